// What tests in a browser share: finding one, opening pages, and judging what is shown.

import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { accessSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { serve } from "../mock/server.mjs";

export const PAGES = { overview: "Overview", search: "Search", delivery: "Delivery", builds: "Builds", work: "Work", propels: "Propels", integrations: "Integrations", dashboards: "Dashboards", admin: "Administration" };
/** All there is to see: the pages, and the parts of the administration. */
export const PLACES = [...Object.entries(PAGES), ...["teams", "audit", "data"].map((part) => [`admin?at=${part}`, PAGES.admin])];
export const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1440, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1440, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 780 }, hasTouch: true },
];

const READY_MS = 600_000;
const TROUBLE = ".trouble, [role=alert], .card-problem";
/** What nobody should read; raw records may say it. */
const SLIPS = /\b(undefined|NaN|Infinity|Invalid Date)\b|\[object Object\]/;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const NAMES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/opt/google/chrome/chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
const SETTLED_MS = 30_000;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser. Where there is none, the tests end here, aloud. */
export async function launch() {
  const executablePath = [process.env.CHROMIUM, ...NAMES].find(isThere);
  if (!executablePath) {
    console.log("SKIPPED browser tests: no Chromium here; `CHROMIUM` may name one");
    process.exit(0);
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking"] });
}

function isThere(path) {
  try {
    return path && (accessSync(path), true);
  } catch {
    return false;
  }
}

/** Starts a host, and waits until it says that it is `ready`. The page is that of `dist` when `WEIR_DIST` is set, not the host's own. */
export async function start(weir, told, ready) {
  const child = spawn(weir, told, { stdio: ["ignore", "pipe", "pipe"] });
  const gone = new Promise((ended) => child.once("exit", ended));
  let said = "";
  await new Promise((begun, failed) => {
    const late = setTimeout(() => failed(new Error(`the host is not ready: ${said}`)), READY_MS);
    const hear = (text) => {
      said += text;
      if (ready.test(said)) begun(clearTimeout(late));
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("exit", () => failed(new Error(`the host ended: ${said}`)));
  });
  const own = /(?:dashboard|central) (http:\S+)/.exec(said)[1];
  const front = process.env.WEIR_DIST ? await serve({ host: own }) : undefined;
  const stop = async () => {
    front?.stop();
    child.kill("SIGTERM");
    await gone;
  };
  return { url: front?.url ?? own, own, stop, said: () => said };
}

/** What is read on the page, but for what tools said. */
export async function legible(tab, where) {
  const text = await tab.evaluate(() => {
    const shown = document.querySelector("dialog[open]") ?? document.body;
    return [...shown.querySelectorAll("*")].filter((one) => !one.closest("pre") && one.checkVisibility()).flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data)).join("\n");
  });
  assert.equal(SLIPS.exec(text)?.[0], undefined, `${where}: ${text.slice(Math.max((SLIPS.exec(text)?.index ?? 0) - 40, 0)).slice(0, 90)}`);
  assert.equal(await tab.locator(TROUBLE).count(), 0, `${where}: ${await tab.locator(TROUBLE).allTextContents()}`);
}

/** What is saved by an act. */
export async function taken(tab, act) {
  const [file] = await Promise.all([tab.waitForEvent("download"), act()]);
  return readFile(await file.path());
}

/** Opens an address, hands the tab to `look`, and demands that nothing went wrong meanwhile. */
export async function visit(browser, address, look, how = LOOKS[0]) {
  const context = await browser.newContext({ ...how, reducedMotion: "reduce", acceptDownloads: true });
  const tab = await context.newPage();
  const wrong = [];
  tab.on("pageerror", (error) => wrong.push(String(error)));
  tab.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource") && wrong.push(message.text()));
  tab.on("response", (response) => response.status() >= 400 && !response.url().endsWith("/v1/session") && wrong.push(`${response.status()} ${response.request().method()} ${response.url()}`));
  await tab.goto(address);
  await settled(tab);
  await look(tab, wrong);
  await context.close();
  assert.deepEqual(wrong, []);
}

const figures = {};

/** Keeps a time, to be told at the end. */
export function note(name, ms) {
  (figures[name] ??= []).push(ms);
}

/** Tells all times that were kept. */
export function tell() {
  const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
  for (const [name, times] of Object.entries(figures)) console.log(`${name}: median ${median(times)} ms, most ${Math.max(...times)} ms, of ${times.length}`);
}

/** Does something and waits for what it asked for. Notes and answers how long the page took to answer the hand, in ms; 0: less than a frame. */
export async function timed(tab, act) {
  await tab.evaluate(() => {
    window.slowest = 0;
    window.watch ??= new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.slowest = Math.max(window.slowest, one.duration))));
    window.watch.observe({ type: "event", durationThreshold: 16 });
  });
  const began = Date.now();
  await act();
  await settled(tab);
  note("from the click until all is there", Date.now() - began);
  const slowest = await tab.evaluate(() => new Promise((told) => requestAnimationFrame(() => setTimeout(() => told(window.slowest), 50))));
  if (slowest > 0) note("from the click until the page moves", slowest);
  return slowest;
}

/** Until every answer is there. */
export async function settled(tab) {
  await tab.waitForFunction(() => document.querySelector("h1") && !document.querySelector(".pending, .stale, [aria-busy=true]"), null, { timeout: SETTLED_MS, polling: 50 });
}

/** Nothing sticks out, is cut off, or lies on something else; axe finds no breach of WCAG AA. */
export async function sound(tab, where) {
  const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${where} is ${over} px too wide`);
  assert.deepEqual(await tab.evaluate(collisions), [], `${where}: texts that lie on each other`);
  assert.deepEqual(await tab.evaluate(cut), [], `${where}: texts that are cut off`);
  const { violations } = await breaches(tab);
  const told = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(told, [], where);
}

async function breaches(tab) {
  if (!(await tab.evaluate(() => "axe" in window))) await tab.evaluate(axe);
  return tab.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
}

/** Pairs of texts whose letters share a place. Runs in the page. */
function collisions() {
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    if (!owner || node.data.trim() === "" || owner.closest(".hidden, .skip, option, dialog:not([open])") || !owner.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (!top.matches("dialog") && owner.closest("header.top") && getComputedStyle(owner.closest("header.top")).position === "sticky") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      const shown = clipped(owner, rect);
      if (shown.right - shown.left > 2 && shown.bottom - shown.top > 4) texts.push({ node, ...shown });
    }
  }
  texts.sort((a, b) => a.top - b.top);
  const found = [];
  texts.forEach((one, index) => {
    for (const other of texts.slice(index + 1)) {
      if (other.top >= one.bottom) break;
      if (other.node === one.node) continue;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - other.top;
      // Lines of text reach a little over their letters.
      if (wide > 2 && high > 0.4 * Math.min(one.bottom - one.top, other.bottom - other.top)) found.push(`${one.node.data} × ${other.node.data}`);
    }
  });
  return found.slice(0, 5);

  /** What of a rectangle the boxes around it let through. */
  function clipped(owner, { left, right, top, bottom }) {
    const shown = { left, right, top, bottom };
    for (let box = owner; box; box = box.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(box);
      const edge = box.getBoundingClientRect();
      if (overflowX !== "visible") Object.assign(shown, { left: Math.max(shown.left, edge.left), right: Math.min(shown.right, edge.right) });
      if (overflowY !== "visible") Object.assign(shown, { top: Math.max(shown.top, edge.top), bottom: Math.min(shown.bottom, edge.bottom) });
    }
    return shown;
  }
}

/** Texts of which a part cannot be seen, and nothing says so. Runs in the page. */
function cut() {
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "");
  const silently = (element) => {
    const { overflowX, textOverflow } = getComputedStyle(element);
    return ["hidden", "clip"].includes(overflowX) && textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1;
  };
  return [...document.querySelectorAll("main *, header *, dialog[open] *")]
    .filter((element) => element.checkVisibility() && !element.closest(".hidden, svg") && own(element) && silently(element))
    .map((element) => element.textContent.trim().slice(0, 60))
    .slice(0, 5);
}
