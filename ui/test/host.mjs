// The built app in Chromium against a real host with the demo's data: every page, every way down from a number to the
// raw records, filters, saved searches, live updates. It tells how fast the page answers.
//   WEIR_BIN=target/debug/weir node test/host.mjs    starts the demo, and ends it
//   WEIR_URL=http://127.0.0.1:7878 node test/host.mjs
//   ... --screenshots docs/images                    writes the pictures of the documentation, too

import { strict as assert } from "node:assert";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { LOOKS, PAGES, PLACES, launch, legible, note, settled, sound, start, tell, timed, visit as open } from "./chromium.mjs";

const WIDE = LOOKS[0];
const at = process.argv.indexOf("--screenshots");
const pictures = at > 0 ? process.argv[at + 1] : undefined;

const browser = await launch();
const host = process.env.WEIR_URL ? { url: process.env.WEIR_URL, stop: () => {} } : await demo(process.env.WEIR_BIN);

before(async () => {
  for (const name of Object.keys(PAGES)) assert.equal((await fetch(`${host.url}/#/${name}`)).status, 200);
});

after(async () => {
  await browser.close();
  await host.stop();
  tell();
});

/** A host on the made-up company, ready when everything is collected. */
function demo(weir) {
  if (!weir) throw new Error("WEIR_URL or WEIR_BIN says which host");
  return start(weir, ["demo", "--listen", "127.0.0.1:0"], /^ready/m);
}

const visit = (hash, look, how = WIDE) => open(browser, `${host.url}/${hash}`, look, how);

for (const how of LOOKS) {
  test(`every page with real answers, ${how.name}`, async () => {
    for (const [page, title] of PLACES) {
      await visit(`#/${page}`, async (tab) => {
        assert.equal(await tab.locator("h1").textContent(), title);
        await legible(tab, page);
        await sound(tab, `${page}, ${how.name}`);
      }, how);
    }
  });
}

test("every number opens what is behind it, down to the raw records", async () => {
  const seen = new Set();
  for (const page of Object.keys(PAGES)) {
    await visit(`#/${page}`, async (tab) => {
      for (const target of await doors(tab)) await follow(tab, page, target, seen);
    });
  }
  for (const kind of ["metric:change-lead-time", "metric:recovery-time", "metric:build-success", "change", "commit", "build", "deployment", "test-report"]) assert.ok(seen.has(kind), `${kind} was never opened, only ${[...seen]}`);
});

/** What can be opened from what is shown. */
const doors = (tab) => tab.evaluate(() => {
  const top = document.querySelector("dialog[open]") ?? document.body;
  const targets = [...top.querySelectorAll("a[href*='open=']")].map((link) => new URLSearchParams(link.getAttribute("href").split("?")[1]).get("open"));
  return [...new Set(targets)];
});

/** Opens every metric, and one entity of every kind, and from there what was not opened so far. */
async function follow(tab, page, target, seen) {
  const [, kind, id] = /^(\w+):(.*)$/s.exec(target);
  const sort = kind === "entity" ? id.split(":")[0] : target;
  if (seen.has(sort)) return;
  seen.add(sort);
  await timed(tab, () => tab.evaluate(([page, open]) => (location.hash = `#/${page}?${new URLSearchParams({ open })}`), [page, target]));
  await tab.waitForSelector("dialog.panel[open] #panel-title");
  await settled(tab);
  await legible(tab, target);
  // Metrics look alike.
  if (kind !== "metric" || seen.size === 1) await sound(tab, target);
  const next = await doors(tab);
  if (kind === "metric") {
    const n = Number((await tab.locator(".panel-body > .note").first().textContent()).match(/[\d,]+(?= samples?)/)?.[0].replaceAll(",", "") ?? 0);
    const rows = await tab.locator(".panel table.list tbody tr").count();
    assert.ok(rows > 0 || n === 0 || /open-items|wip/.test(target), `${target} has ${n} samples and shows none`);
  }
  if (kind === "entity") {
    await tab.getByRole("button", { name: "Show what the tools said" }).click();
    await settled(tab);
    assert.ok((await tab.locator(".raw pre").first().textContent()).length > 2, target);
    await legible(tab, `${target}, raw`);
  }
  for (const one of next) await follow(tab, page, one, seen);
}

test("a team and a window narrow every number, and the address says so", async () => {
  await visit("#/", async (tab) => {
    const before = await tab.locator(".card").allTextContents();
    await timed(tab, () => tab.getByRole("combobox", { name: "Team" }).selectOption("payments"));
    assert.equal(await tab.evaluate(() => location.hash), "#/?team=payments");
    assert.notDeepEqual(await tab.locator(".card").allTextContents(), before);
    await timed(tab, () => tab.getByText("30 d", { exact: true }).click());
    assert.equal(await tab.evaluate(() => location.hash), "#/?team=payments&window=30");
    await legible(tab, "payments");
    await sound(tab, "payments");
  });
  await visit("#/builds", async (tab) => {
    await timed(tab, () => tab.locator(".facet-value", { hasText: "failure" }).click());
    await tab.waitForFunction(() => location.hash === "#/builds?result=failure");
    const marks = await tab.locator(".builds-body .mark title").allTextContents();
    assert.ok(marks.length > 5 && marks.every((mark) => mark === "failure"), String(marks));
  });
});

test("a search is written with what is suggested, counted, kept, and found again", async () => {
  await visit("#/search", async (tab) => {
    const box = tab.getByRole("combobox", { name: "Search everything" });
    await box.pressSequentially("kind:dep");
    await tab.getByRole("option", { name: /^deployment/ }).click();
    await tab.waitForFunction(() => location.hash.startsWith("#/search?q=kind%3Adeployment"));
    await timed(tab, () => tab.getByRole("combobox", { name: "Count by" }).selectOption("environment"));
    await timed(tab, () => tab.getByRole("combobox", { name: "Over time" }).selectOption("week"));
    await tab.waitForSelector(".groups .plot");
    await legible(tab, "statistics");
    await sound(tab, "statistics");
    await tab.locator("details.saved summary").click();
    await tab.getByLabel("Name of this search").fill("where it went");
    await tab.getByRole("button", { name: "Save what is shown" }).click();
    const kept = await tab.evaluate(() => location.hash);
    await tab.goto(`${host.url}/#/search`);
    await tab.reload();
    await settled(tab);
    await tab.locator("details.saved summary").click();
    await tab.getByRole("link", { name: "where it went" }).click();
    assert.equal(await tab.evaluate(() => location.hash), kept);
  });
});

test("a build that is pushed appears by itself", async () => {
  await visit("#/builds", async (tab) => {
    const number = Math.floor(Date.now() / 1_000);
    const now = new Date().toISOString();
    const build = { instance_name: "ci", job_full_name: "weathervane", build_number: number, result: "success", branch: "main", start_time: now, end_time: now };
    const began = Date.now();
    const answer = await fetch(`${host.url}/v1/builds`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify([build]) });
    assert.equal(answer.status, 202);
    await tab.getByText(`#${number}`).first().waitFor({ timeout: 20_000 });
    note("from the push until it is seen", Date.now() - began);
  });
});

test("keys go to pages", async () => {
  await visit("#/", async (tab) => {
    for (const [key, page] of [["b", "builds"], ["d", "delivery"], ["w", "work"], ["s", "search"], ["p", "propels"], ["i", "integrations"], ["h", "dashboards"], ["a", "admin"], ["o", "overview"]]) {
      await timed(tab, async () => {
        await tab.keyboard.press("g");
        await tab.keyboard.press(key);
        await tab.waitForFunction((title) => document.querySelector("h1")?.textContent === title, PAGES[page]);
      });
    }
  });
});

test("pictures for the documentation", { skip: !pictures }, async () => {
  await mkdir(pictures, { recursive: true });
  const take = (name, hash, look = async () => {}, how = WIDE) => visit(hash, async (tab) => {
    await look(tab);
    await tab.screenshot({ path: `${pictures}/${name}.png` });
  }, how);
  await take("overview", "#/");
  await take("number", "#/", async (tab) => {
    await tab.locator(".card a").first().click();
    await tab.waitForSelector(".panel table.list");
    await settled(tab);
  });
  await take("builds", "#/builds");
  await take("delivery", "#/delivery", undefined, LOOKS[1]);
});
