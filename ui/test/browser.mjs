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

test("a host that wants to know who asks is told, and shows what was to be shown", async () => {
  const closed = await serve({ quiet: true, logIn: true });
  await visit("#/builds?team=payments", async (tab, wrong) => {
    await tab.getByRole("heading", { name: "Log in" }).waitFor();
    await sound(tab, "log in");
    await tab.getByLabel("name").fill("ana");
    await tab.getByLabel("password").fill("something else");
    await tab.getByRole("button", { name: "Log in" }).click();
    await tab.getByText("name and password do not fit").waitFor();
    await tab.getByLabel("password").fill("correct horse battery");
    await tab.getByRole("button", { name: "Log in" }).click();
    await tab.getByRole("heading", { name: "Builds", level: 1 }).waitFor();
    assert.equal(await tab.evaluate(() => location.hash), "#/builds?team=payments");
    await tab.getByRole("button", { name: "You: Ana Lima" }).click();
    await sound(tab, "you");
    await tab.getByRole("button", { name: "Change the password" }).click();
    await tab.getByLabel("the one until now").fill("correct horse battery");
    await tab.getByLabel("the new one").fill("another horse battery");
    await tab.getByRole("button", { name: "Change", exact: true }).click();
    await tab.getByText("It is changed.").waitFor();
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.getByRole("button", { name: "You: Ana Lima" }).click();
    await tab.getByRole("button", { name: "Log out" }).click();
    await tab.getByRole("heading", { name: "Log in" }).waitFor();
    // The browser itself logs answers of 401.
    wrong.length = 0;
  }, { host: closed });
  closed.stop();
});

test("a session that ends in the middle asks again, in the same place", async () => {
  const closed = await serve({ quiet: true, logIn: true });
  await visit("#/", async (tab, wrong) => {
    await logIn(tab, "ana");
    await tab.waitForSelector(".card .value");
    await tab.context().clearCookies();
    await tab.evaluate(() => dispatchEvent(new Event("online")));
    await tab.getByRole("heading", { name: "Log in" }).waitFor();
    wrong.length = 0;
  }, { host: closed });
  closed.stop();
});

test("who sees a part only is not offered the rest", async () => {
  const closed = await serve({ quiet: true, logIn: true });
  await visit("#/propels", async (tab, wrong) => {
    await logIn(tab, "bo");
    await tab.getByText("This page is not for your role.").waitFor();
    wrong.length = 0;
    assert.deepEqual(await tab.locator(".rail a").allTextContents(), ["Overview", "Search", "Delivery", "Builds", "Work", "Dashboards"]);
    await tab.getByRole("link", { name: "Overview" }).click();
    await tab.waitForSelector(".card .value");
    await sound(tab, "a part only");
  }, { host: closed });
  closed.stop();
});

test("the first administrator is welcomed by a link that is good once", async () => {
  const closed = await serve({ quiet: true, first: true });
  await visit("#/welcome?token=once-only", async (tab, wrong) => {
    assert.equal(await tab.evaluate(() => location.hash), "#/welcome");
    await sound(tab, "welcome");
    await tab.getByLabel("name", { exact: false }).first().fill("eva");
    await tab.getByLabel("password").fill("correct horse battery");
    await tab.getByRole("button", { name: "Set the password and log in" }).click();
    await tab.getByRole("heading", { name: "Overview" }).waitFor();
    wrong.length = 0;
  }, { host: closed });
  closed.stop();
});

test("a host that wants a key is given it once", async () => {
  const locked = await serve({ quiet: true, key: "weir_k" });
  await visit("#/propels", async (tab, wrong) => {
    await tab.getByText("With an API key").click();
    await tab.getByLabel("key").fill("weir_k");
    await tab.getByRole("button", { name: "Use it" }).click();
    await tab.waitForSelector(".hit-row");
    // The browser itself logs answers of 401, and asks for events without the key.
    wrong.length = 0;
  }, { host: locked });
  locked.stop();
});

test("people are let in, keys made and replaced, each secret shown once", async () => {
  await visit("#/admin", async (tab) => {
    await sound(tab, "users");
    await tab.getByRole("button", { name: "New user" }).click();
    await tab.getByLabel("name").first().fill("dee");
    await tab.getByLabel("role").selectOption("auditor");
    await sound(tab, "a new user");
    await tab.getByRole("button", { name: "Let in" }).click();
    assert.match(await tab.locator(".secret").textContent(), /^http.*welcome\?token=/);
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.getByRole("rowheader", { name: /^dee/ }).waitFor();
    await tab.getByRole("button", { name: "New key" }).click();
    await tab.getByLabel("name").fill("deploy");
    await tab.getByRole("button", { name: "Make it" }).click();
    assert.match(await tab.locator(".secret").textContent(), /^weir_/);
    await sound(tab, "keys");
  });
});

test("keys are replaced and revoked, users removed, after a question; what is refused says why", async () => {
  await visit("#/admin", async (tab, wrong) => {
    await tab.getByRole("button", { name: "Replace ci" }).click();
    await sound(tab, "a question");
    await tab.getByRole("button", { name: "Replace it" }).click();
    await tab.getByText("The new key in place of ci").waitFor();
    await tab.getByRole("button", { name: "Revoke wall screen" }).click();
    await tab.keyboard.press("Escape");
    await tab.getByRole("button", { name: "Revoke wall screen" }).click();
    await tab.getByRole("button", { name: "Revoke it" }).click();
    await tab.getByRole("rowheader", { name: /^wall screen/ }).waitFor({ state: "detached" });
    await tab.getByRole("button", { name: "Remove ana" }).click();
    await tab.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await tab.getByRole("dialog").getByText("is the last administrator").waitFor();
    await sound(tab, "a refusal");
    assert.match(wrong.pop(), /^409 DELETE/);
  });
});

test("the audit log is searched, taken along and verified", async () => {
  await visit("#/admin?at=audit", async (tab) => {
    const rows = (n) => tab.waitForFunction((n) => document.querySelectorAll(".hits .hit-row").length === n, n);
    await tab.getByRole("button", { name: "Verify the audit log" }).click();
    await tab.getByText("Whole: 3 entries.").waitFor();
    await sound(tab, "audit");
    assert.match(await taken(tab, () => tab.getByRole("button", { name: "Keep it" }).click()), /"last_checkpoint"/);
    await tab.getByRole("combobox", { name: "Action" }).selectOption("key");
    await rows(1);
    assert.match(await tab.evaluate(() => location.hash), /action=key/);
    assert.equal((await taken(tab, () => tab.getByRole("button", { name: "CSV" }).click())).trim().split("\r\n").length, 2);
    await tab.getByRole("button", { name: "Clear all filters" }).click();
    await rows(3);
    await tab.getByLabel("to", { exact: true }).fill("2001-01-01");
    await tab.getByText("Nothing of the kind was done.").waitFor();
    await sound(tab, "audit, nothing");
  });
});

/** What is saved by an act. */
async function taken(tab, act) {
  const [file] = await Promise.all([tab.waitForEvent("download"), act()]);
  return readFile(await file.path(), "utf8");
}

test("a decommissioning is seen before, requested by a typed sentence, confirmed, held and taken back", async () => {
  await visit("#/admin?at=data", async (tab, wrong) => {
    await tab.getByRole("button", { name: "What would go" }).click();
    await tab.getByText("raw records", { exact: true }).waitFor();
    await sound(tab, "data");
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.getByRole("button", { name: "Request" }).click();
    const request = tab.getByRole("dialog").getByRole("button", { name: "Request" });
    await tab.getByLabel("contact").fill("ana@example.com");
    assert.ok(await request.isDisabled());
    await tab.getByLabel("Type this sentence").fill("I confirm that all data of acme is erased for good.");
    await sound(tab, "a request");
    await request.click();
    await tab.getByRole("button", { name: "Confirm" }).click();
    await tab.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await tab.getByText("ana has asked for it and cannot confirm it").waitFor();
    await sound(tab, "a confirmation");
    assert.match(wrong.pop(), /^400 POST/);
    await tab.getByLabel("owner key").fill("k");
    await tab.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await tab.locator(".steps [aria-current]", { hasText: "scheduled" }).waitFor();
    await tab.getByRole("button", { name: "Hold" }).click();
    await tab.getByLabel("reason").fill("a dispute");
    await tab.getByRole("button", { name: "Hold it" }).click();
    await tab.getByText("Waits for a hold to be lifted: a dispute.").waitFor();
    await tab.getByRole("button", { name: "Lift the hold" }).click();
    await tab.locator(".tag", { hasText: "scheduled" }).waitFor();
    await tab.getByRole("button", { name: "Take back" }).click();
    await tab.getByRole("button", { name: "Take it back" }).click();
    await tab.locator(".tag", { hasText: "cancelled" }).waitFor();
    await sound(tab, "taken back");
  });
});

test("an erasure says what would go before it goes", async () => {
  await visit("#/admin?at=data", async (tab) => {
    await tab.getByRole("button", { name: "Erase", exact: true }).click();
    await tab.getByLabel("integration").fill("github");
    await tab.getByLabel("reason").fill("a request of the person");
    await tab.getByRole("button", { name: "See what would go" }).click();
    await tab.getByRole("dialog").getByText("120 raw records").waitFor();
    await sound(tab, "what would go");
    const erase = tab.getByRole("button", { name: "Erase 120 records for good" });
    assert.ok(await erase.isDisabled());
    await tab.getByLabel("Type this sentence").fill("erase 120 records");
    await erase.click();
    await tab.locator(".hit-row", { hasText: "integration github" }).waitFor();
    await tab.getByRole("button", { name: "Receipt" }).first().click();
    await tab.getByText("weir-receipt/1").waitFor();
    await sound(tab, "a receipt");
    assert.match(await taken(tab, () => tab.getByRole("button", { name: "Download" }).click()), /"signature"/);
  });
});

test("what is past its time goes at once when that is typed, and an export tells where it is", async () => {
  await visit("#/admin?at=data", async (tab) => {
    await tab.getByRole("button", { name: "Erase now" }).click();
    await tab.getByLabel("Type this sentence").fill("erase 120 records");
    await sound(tab, "retention");
    await tab.getByRole("dialog").getByRole("button", { name: "Erase now" }).click();
    await tab.locator(".hit-row", { hasText: "retention" }).waitFor();
    await tab.getByRole("button", { name: "Export" }).click();
    await tab.getByLabel("folder").fill("/srv/exports/december");
    for (const part of ["raw", "entities", "metrics"]) await tab.getByLabel(part).first().uncheck();
    assert.ok(await tab.getByRole("button", { name: "Write it" }).isDisabled());
    await tab.getByLabel("raw").check();
    await sound(tab, "an export");
    await tab.getByRole("button", { name: "Write it" }).click();
    await tab.getByText("weir export verify /srv/exports/december").waitFor();
    await sound(tab, "an export that is written");
  });
});

async function logIn(tab, name) {
  await tab.getByLabel("name").fill(name);
  await tab.getByLabel("password").fill("correct horse battery");
  await tab.getByRole("button", { name: "Log in" }).click();
}
