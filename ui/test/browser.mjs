// The built app in Chromium, against the mock: every page in light, dark and on a phone, without an error, without
// anything that sticks out, and without a breach of WCAG AA that axe can see. Skipped aloud where no browser is.

import { strict as assert } from "node:assert";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { serve } from "../mock/server.mjs";
import { LOOKS, PAGES, launch, settled, sound, visit as open } from "./chromium.mjs";

let browser, full, bare;

before(async () => {
  [browser, full, bare] = await Promise.all([launch(), serve({ quiet: true }), serve({ empty: true })]);
});

after(async () => {
  await browser?.close();
  full?.stop();
  bare?.stop();
});

const visit = (hash, look, { host = full, how = LOOKS[0] } = {}) => open(browser, `${host.url}/${hash}`, look, how);

for (const how of LOOKS) {
  test(`every page, ${how.name}`, async () => {
    for (const [page, title] of Object.entries(PAGES)) {
      await visit(`#/${page === "overview" ? "" : page}`, async (tab) => {
        assert.equal(await tab.locator("h1").textContent(), title);
        await sound(tab, `${page}, ${how.name}`);
      }, { how });
    }
  });
}

test("a host with nothing connected says on every page what to do", async () => {
  for (const page of Object.keys(PAGES)) {
    await visit(`#/${page}`, async (tab) => {
      assert.ok((await tab.locator(".notice, .card-empty").count()) > 0, page);
      await sound(tab, `${page}, empty`);
    }, { host: bare });
  }
});

test("the side panel shows what is behind a number, down to the raw record, and going back goes back", async () => {
  await visit("#/", async (tab) => {
    await tab.locator(".card a").first().click();
    await settled(tab);
    assert.equal(await tab.locator("#panel-title").textContent(), "Change lead time");
    await sound(tab, "a metric");
    await tab.locator(".panel .list a").first().click();
    await settled(tab);
    await tab.getByRole("button", { name: "Show what the tools said" }).click();
    assert.match(await tab.locator(".raw pre").textContent(), /only text/);
    await sound(tab, "an entity");
    await tab.goBack();
    assert.equal(await tab.locator("#panel-title").textContent(), "Change lead time");
    await tab.keyboard.press("Escape");
    await tab.waitForFunction(() => !document.querySelector("dialog[open]"));
  });
});

test("keys go to pages, search, and tell what they do", async () => {
  await visit("#/?team=payments", async (tab) => {
    await tab.keyboard.press("g");
    await tab.keyboard.press("b");
    await tab.waitForFunction(() => location.hash === "#/builds?team=payments");
    assert.equal(await tab.evaluate(() => document.activeElement?.id), "main");
    await tab.keyboard.press("/");
    assert.equal(await tab.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Search builds");
    await tab.evaluate(() => document.activeElement?.blur());
    await tab.keyboard.press("?");
    await tab.getByRole("dialog", { name: "Keys" }).waitFor();
    await sound(tab, "the keys");
    await tab.keyboard.press("Escape");
    await tab.goBack();
    assert.equal(await tab.evaluate(() => location.hash), "#/?team=payments");
  });
});

test("a search suggests fields and values, marks, counts, and can be shared", async () => {
  await visit("#/search", async (tab) => {
    const box = tab.getByRole("combobox", { name: "Search everything" });
    await box.pressSequentially("res");
    await tab.keyboard.press("ArrowDown");
    await tab.keyboard.press("Enter");
    assert.equal(await box.inputValue(), "result:");
    await tab.getByRole("option", { name: /^failure/ }).click();
    await settled(tab);
    await tab.waitForFunction(() => location.hash === "#/search?q=result%3Afailure");
    await tab.getByRole("combobox", { name: "Count by" }).selectOption("job");
    await tab.getByRole("combobox", { name: "Over time" }).selectOption("week");
    await tab.waitForSelector(".groups .plot");
    await sound(tab, "statistics");
    const [file] = await Promise.all([tab.waitForEvent("download"), tab.locator(".groups").getByRole("button", { name: "CSV" }).click()]);
    assert.match(await readFile(await file.path(), "utf8"), /^\uFEFFjob,updated,count\r\n/);
    const [picture] = await Promise.all([tab.waitForEvent("download"), tab.locator(".groups").getByRole("button", { name: "PNG" }).click()]);
    assert.equal((await readFile(await picture.path())).subarray(1, 4).toString(), "PNG");
    const address = await tab.evaluate(() => location.hash);
    await visit(address, async (other) => assert.equal(await other.getByRole("combobox", { name: "Over time" }).inputValue(), "week"));
  });
});

test("a misspelt value is corrected by one click", async () => {
  await visit("#/search?q=result%3Afalure", async (tab) => {
    await tab.getByRole("link", { name: "result:failure" }).click();
    await tab.waitForSelector(".hit-row");
  });
});

test("a mistake in a search is told in its own words", async () => {
  await visit("#/search?q=colour%3Ared", async (tab, wrong) => {
    assert.match(await tab.getByRole("alert").first().textContent(), /no field `colour`/);
    // The browser itself logs an answer of 400.
    wrong.length = 0;
  });
});

test("a job has its history, a build its stages", async () => {
  await visit("#/builds", async (tab) => {
    await tab.locator(".jobs a.job").first().click();
    await tab.waitForSelector(".run-bar");
    await tab.locator(".chart").first().focus();
    await tab.keyboard.press("ArrowRight");
    await tab.keyboard.press("Enter");
    await tab.waitForSelector(".waterfall li");
    assert.match(await tab.locator(".waterfall").textContent(), /Test <b>all<\/b>/);
    await sound(tab, "a build");
  });
});

test("a row of a table is edited, a propel is tried dry, a run repeated, an integration collected", async () => {
  await visit("#/propels", async (tab) => {
    await tab.getByRole("button", { name: "Edit CartTest.adds" }).click();
    await tab.getByRole("dialog").getByLabel("state").selectOption("mended");
    await sound(tab, "a form");
    await tab.getByRole("button", { name: "Save" }).click();
    await tab.waitForFunction(() => document.body.textContent?.includes("version 3"));
    await tab.getByRole("button", { name: "Try dry tell-chat" }).click();
    await tab.getByRole("button", { name: "Try", exact: true }).click();
    await tab.waitForSelector(".imagined");
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.locator(".hit-row a").first().click();
    await tab.getByRole("button", { name: "Repeat" }).click();
    await sound(tab, "a run");
  });
  await visit("#/integrations", async (tab) => {
    await tab.getByRole("button", { name: "Collect now from github" }).click();
    await tab.waitForFunction(() => document.body.textContent?.includes("31 records of 2 pages came."));
  });
});

test("a host that is gone is told once, and what was shown stays", async () => {
  const short = await serve({ quiet: true });
  await visit("#/", async (tab, wrong) => {
    short.stop();
    await tab.evaluate(() => dispatchEvent(new Event("online")));
    await tab.waitForSelector(".trouble");
    assert.equal(await tab.locator(".trouble").count(), 1);
    assert.ok((await tab.locator(".card .value").count()) > 0);
    wrong.length = 0;
  }, { host: short });
});

test("a host that wants a key is given it once", async () => {
  const locked = await serve({ quiet: true, key: "weir_k" });
  await visit("#/propels", async (tab, wrong) => {
    assert.equal(await tab.locator(".trouble").count(), 1);
    await sound(tab, "a key is wanted");
    await tab.locator("input[type=password]").fill("weir_k");
    await tab.getByRole("button", { name: "Use it" }).click();
    await tab.waitForSelector(".hit-row");
    assert.equal(await tab.locator(".trouble").count(), 0);
    // The browser itself logs answers of 401, and asks for events without the key.
    wrong.length = 0;
  }, { host: locked });
  locked.stop();
});
