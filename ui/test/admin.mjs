// The administration in Chromium, on a real host that wants to know everybody: the first administrator, every role, keys,
// the audit log, and what becomes of data. The end of an account is brought as far as its schedule.
//   WEIR_BIN=target/debug/weir node test/admin.mjs

import { strict as assert } from "node:assert";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LOOKS, PAGES, launch, legible, settled, sound, start, taken, visit as open } from "./chromium.mjs";

/** Public half of a key of age whose secret half nobody kept. */
const RECIPIENT = "age1f4m8vdchwmxkvectsvw0ftezhq3mghjl0wlzq6sucl6mrf2eqfks072mkk";

const PASSWORD = "correct horse battery";
const DAY_MS = 86_400_000;
/** Pages of data, which everybody sees. */
const DATA = ["overview", "search", "delivery", "builds", "work", "dashboards"];
/** What each role is offered beside them: pages, parts of the administration, and acts. */
const ROLES = {
  viewer: { pages: ["integrations"], parts: [], acts: [] },
  "team-lead": { pages: ["propels", "integrations"], parts: [], acts: ["raw", "tables"] },
  integrator: { pages: ["propels", "integrations"], parts: [], acts: ["raw", "collect"] },
  "propel-author": { pages: ["propels", "integrations"], parts: [], acts: ["propel", "tables"] },
  auditor: { pages: ["propels", "integrations", "admin"], parts: ["Audit log"], acts: [] },
  administrator: { pages: ["propels", "integrations", "admin"], parts: ["Users and keys", "Teams", "Audit log", "Data"], acts: ["raw", "collect", "propel", "tables"] },
};
/** The button or heading that says that one may. */
const ACTS = { propel: ["propels", "Try dry told"], tables: ["propels", "New row"], collect: ["integrations", "Collect now from git"], raw: ["integrations", "Rejected, or taken in part"] };

if (!process.env.WEIR_BIN) {
  console.log("SKIPPED the administration on a real host: `WEIR_BIN` says which binary");
  process.exit(0);
}
const browser = await launch();
const folder = await mkdtemp(join(tmpdir(), "weir-admin-"));
const host = await configured();
const visit = (hash, look, how = LOOKS[0]) => open(browser, `${host.url}/${hash}`, look, how);

after(async () => {
  await browser.close();
  await host.stop();
  await rm(folder, { recursive: true });
});

async function configured() {
  const config = join(folder, "weir.toml");
  await writeFile(config, `
    [host]
    name = "office"
    listen = "127.0.0.1:0"
    data_dir = ${JSON.stringify(join(folder, "data"))}
    account = "acme"
    require_keys = true
    [[integration]]
    name = "git"
    collector = "git"
    settings = { repositories = [${JSON.stringify(join(folder, "none"))}] }
    [retention]
    raw = "400d"
    [[hold]]
    name = "case 12"
    integration = "git"
    reason = "a dispute"
    [[team]]
    name = "payments"
    projects = ["acme/pay"]
    [[rule]]
    name = "told"
    gates = ["deploy"]
    [[rule.do]]
    if = "build.branch != 'main'"
    stop = "only main goes to production"
    [[table]]
    name = "quarantine"
    key = "test"
    columns = [{ name = "test", type = "text", required = true }]
  `);
  return start(process.env.WEIR_BIN, ["--config", config, "run"], /token=\S+/);
}

/** Logs in where somebody is to. */
async function enter(tab, name) {
  await tab.getByLabel("name").fill(name);
  await tab.getByLabel("password").first().fill(PASSWORD);
  await tab.getByRole("button", { name: "Log in" }).click();
  await tab.locator(".rail").waitFor();
  await settled(tab);
}

/** Somebody who is logged in. What was refused before that is not counted. */
const as = (name, hash, look, how) => visit(hash, async (tab, wrong) => {
  await enter(tab, name);
  wrong.length = 0;
  await look(tab, wrong);
}, how);

/** Goes to another place of the page. */
async function go(tab, hash) {
  await tab.evaluate((hash) => (location.hash = hash), hash);
  await settled(tab);
}

/** Lets somebody in, and sets the password by the link that is handed over. */
async function letIn(tab, name, role) {
  await tab.getByRole("button", { name: "New user" }).click();
  await tab.getByLabel("name").first().fill(name);
  await tab.getByLabel("role").selectOption(role);
  await tab.getByRole("button", { name: "Let in" }).click();
  const link = new URL(await tab.locator(".secret").textContent());
  await tab.getByRole("button", { name: "Close" }).click();
  await visit(link.hash, async (other) => {
    await other.getByLabel("password").fill(PASSWORD);
    await other.getByRole("button", { name: "Set the password and log in" }).click();
    await other.locator(".rail").waitFor();
    await settled(other);
  });
}

test("the first administrator is welcomed, and lets one of every role in", async () => {
  await visit(`#/welcome?token=${/token=(\S+)/.exec(host.said())[1]}`, async (tab, wrong) => {
    await tab.getByLabel("name", { exact: false }).first().fill("ada");
    await tab.getByLabel("password").fill(PASSWORD);
    await sound(tab, "welcome");
    await tab.getByRole("button", { name: "Set the password and log in" }).click();
    await tab.getByRole("heading", { name: "Overview" }).waitFor();
    wrong.length = 0;
    await go(tab, "#/admin");
    await legible(tab, "one user");
    for (const role of Object.keys(ROLES)) await letIn(tab, `a-${role}`, role);
    await letIn(tab, "second", "administrator");
    await tab.getByRole("button", { name: "New user" }).click();
    await tab.getByLabel("name").first().fill("second");
    await tab.getByRole("button", { name: "Let in" }).click();
    await tab.getByText("there is a user second already").waitFor();
    await sound(tab, "a name that is taken");
    assert.match(wrong.pop(), /^409 POST/);
  });
});

test("a key sends data until it is revoked; one that replaces it may do the same", async () => {
  await as("ada", "#/admin", async (tab) => {
    await tab.getByRole("button", { name: "New key" }).click();
    await tab.getByLabel("name").fill("ci");
    await tab.getByRole("button", { name: "Make it" }).click();
    const key = await tab.locator(".secret").textContent();
    assert.equal(await push(key), 202);
    await tab.getByRole("button", { name: "Replace ci" }).click();
    await tab.getByRole("button", { name: "Replace it" }).click();
    await tab.getByText("The new key in place of ci").waitFor();
    const other = await tab.locator(".secret").textContent();
    assert.deepEqual([await push(key), await push(other)], [202, 202]);
    await tab.getByRole("row", { name: /replaced/ }).getByRole("button", { name: "Revoke ci" }).click();
    await tab.getByRole("button", { name: "Revoke it" }).click();
    await tab.getByRole("row", { name: /replaced/ }).waitFor({ state: "detached" });
    assert.deepEqual([await push(key), await push(other)], [401, 202]);
    await sound(tab, "keys");
  });
});

/** Sends builds of half a year; answers with the status. */
async function push(key) {
  const builds = Array.from({ length: 60 }, (_, index) => {
    const at = new Date(Date.now() - (index * 3 + 1) * DAY_MS).toISOString();
    return { instance_name: "ci", job_full_name: "shop", build_number: 60 - index, result: index % 7 === 3 ? "failure" : "success", branch: "main", start_time: at, end_time: at };
  });
  const answer = await fetch(`${host.own}/v1/builds`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${key}` }, body: JSON.stringify(builds) });
  return answer.status;
}

for (const [role, { pages, parts, acts }] of Object.entries(ROLES)) {
  test(`what is offered to: ${role}`, async () => {
    const seen = [...DATA, ...pages];
    // A phone shows nothing else; that everything fits there is tested with all there is.
    for (const how of LOOKS.slice(0, 2)) {
      await as(`a-${role}`, "#/", async (tab) => {
        assert.deepEqual((await tab.locator(".rail a").allTextContents()).sort(), seen.map((page) => PAGES[page]).sort());
        for (const page of seen) {
          await go(tab, `#/${page}`);
          assert.equal(await tab.locator("h1").textContent(), PAGES[page]);
          await legible(tab, `${role}, ${page}`);
          await sound(tab, `${role}, ${page}, ${how.name}`);
        }
        if (how !== LOOKS[0]) return;
        for (const [act, [page, says]] of Object.entries(ACTS).filter(([, [page]]) => seen.includes(page))) {
          await go(tab, `#/${page}`);
          assert.equal(await tab.getByRole("button", { name: says }).or(tab.getByRole("heading", { name: says })).count(), Number(acts.includes(act)), `${role}: ${says}`);
        }
        await go(tab, "#/admin");
        assert.deepEqual(await tab.locator(".tabs a").allTextContents(), parts);
        for (const page of Object.keys(PAGES).filter((page) => !seen.includes(page))) {
          await go(tab, `#/${page}`);
          await tab.getByText("This page is not for your role.").waitFor();
        }
      }, how);
    }
  });
}

test("every part of the administration, in every look", async () => {
  for (const how of LOOKS) {
    await as("ada", "#/admin", async (tab) => {
      for (const part of ["users", "teams", "audit", "data"]) {
        await go(tab, `#/admin?at=${part}`);
        await legible(tab, part);
        await sound(tab, `${part}, ${how.name}`);
      }
    }, how);
  }
});

test("a user is changed, and whoever was logged in by that name is not any more", async () => {
  await as("a-viewer", "#/", async (other, refused) => {
    await as("ada", "#/admin", async (tab) => {
      await tab.getByRole("button", { name: "Change a-viewer" }).click();
      await tab.getByLabel("only these teams").fill("payments");
      await tab.getByRole("button", { name: "Save" }).click();
      await tab.getByRole("row", { name: /^a-viewer .*payments/ }).waitFor();
      await tab.getByRole("button", { name: "New password for a-integrator" }).click();
      await tab.getByRole("button", { name: "Make the link" }).click();
      assert.match(await tab.locator(".secret").textContent(), /welcome\?token=/);
      await tab.getByRole("button", { name: "Close" }).click();
      await tab.getByRole("button", { name: "Remove a-integrator" }).click();
      await tab.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
      await tab.getByRole("button", { name: "Remove a-integrator" }).waitFor({ state: "detached" });
    });
    await other.evaluate(() => dispatchEvent(new Event("online")));
    await other.getByRole("heading", { name: "Log in" }).waitFor();
    await enter(other, "a-viewer");
    refused.length = 0;
    assert.deepEqual(await other.locator(".rail a").allTextContents(), ["Overview", "Search", "Delivery", "Builds", "Work", "Dashboards"]);
    for (const page of DATA) {
      await go(other, `#/${page}`);
      await legible(other, `a part only, ${page}`);
      await sound(other, `a part only, ${page}`);
    }
  });
});

test("the audit log tells of it, is filtered, taken along, and whole", async () => {
  await as("a-auditor", "#/admin?at=audit", async (tab) => {
    await tab.getByRole("button", { name: "Verify the audit log" }).click();
    await tab.getByText(/^Whole: /).waitFor();
    const verdict = JSON.parse(await taken(tab, () => tab.getByRole("button", { name: "Keep it" }).click()));
    assert.ok(verdict.whole && verdict.last_checkpoint);
    await tab.getByRole("combobox", { name: "Action" }).selectOption("key");
    await settled(tab);
    await tab.getByRole("link", { name: "user:ada" }).first().click();
    await settled(tab);
    await tab.waitForFunction(() => [...document.querySelectorAll(".hit-row strong")].every((one) => one.textContent.startsWith("key")));
    assert.deepEqual(await tab.locator(".hit-row strong").allTextContents(), ["key.revoke", "key.rotate", "key.create"]);
    await legible(tab, "audit");
    await sound(tab, "audit");
    const rows = String(await taken(tab, () => tab.getByRole("button", { name: "CSV" }).click())).trim().split("\r\n");
    assert.equal(rows.length, 4);
    await tab.getByRole("button", { name: "Clear all filters" }).click();
    await settled(tab);
    const all = String(await taken(tab, () => tab.getByRole("button", { name: "CSV" }).click())).trim().split("\r\n");
    assert.ok(all.length > 20, `${all.length} lines`);
    await tab.getByLabel("to", { exact: true }).fill("2001-01-01");
    await tab.getByText("Nothing of the kind was done.").waitFor();
  });
});

test("an export is written where it is said, and a folder that is none says why", async () => {
  await as("ada", "#/admin?at=data", async (tab, wrong) => {
    await tab.getByRole("button", { name: "Export" }).click();
    await tab.getByLabel("folder").fill("exports");
    await tab.getByRole("button", { name: "Write it" }).click();
    await tab.getByText("to is no absolute path").waitFor();
    assert.match(wrong.pop(), /^400 POST/);
    await tab.getByLabel("folder").fill(join(folder, "export"));
    await tab.getByRole("button", { name: "Write it" }).click();
    await tab.getByText(/weir export verify/).last().waitFor();
    await legible(tab, "an export");
    await sound(tab, "an export");
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.locator(".hit-row", { hasText: join(folder, "export") }).waitFor();
    await legible(tab, "exports");
    await sound(tab, "exports");
  });
  assert.match(await readFile(join(folder, "export", "manifest.json"), "utf8"), /weir-export\/1/);
  await as("ada", "#/admin?at=data", async (tab, wrong) => {
    await tab.getByRole("button", { name: "Export" }).click();
    await tab.getByLabel("folder").fill(join(folder, "sealed"));
    await tab.getByLabel("encrypted for").fill("nobody");
    await tab.getByRole("button", { name: "Write it" }).click();
    await tab.getByText(/no recipient of age/).waitFor();
    assert.match(wrong.pop(), /^400 POST/);
    await tab.getByLabel("encrypted for").fill(RECIPIENT);
    await tab.getByRole("button", { name: "Write it" }).click();
    await tab.getByText(/weir export verify/).last().waitFor();
  });
  const sealed = await readdir(join(folder, "sealed"), { recursive: true });
  assert.ok(sealed.some((name) => name.endsWith(".age")), sealed.join(", "));
});

test("a part is erased after it was counted and typed, and the receipt is there", async () => {
  await as("ada", "#/admin?at=data", async (tab, wrong) => {
    await tab.getByRole("button", { name: "Erase", exact: true }).click();
    await tab.getByLabel("reason").fill("a test");
    await tab.getByRole("button", { name: "See what would go" }).click();
    await tab.getByText("nothing is named that is to go").waitFor();
    assert.match(wrong.pop(), /^400 POST/);
    await tab.getByLabel("integration").fill("nowhere");
    await tab.getByRole("button", { name: "See what would go" }).click();
    await tab.getByText("No raw record fits").waitFor();
    await tab.getByRole("button", { name: "Ask for something else" }).click();
    await tab.getByLabel("integration").fill("push");
    await tab.getByLabel("reason").fill("a test");
    await tab.getByRole("button", { name: "See what would go" }).click();
    const sentence = await tab.locator(".sentence").textContent();
    assert.match(sentence, /^erase \d+ records$/);
    await legible(tab, "what would go");
    await sound(tab, "what would go");
    await tab.getByLabel("Type this sentence").fill(sentence);
    await tab.getByRole("button", { name: /^Erase .* for good$/ }).click();
    await tab.locator(".hit-row", { hasText: "integration push" }).waitFor();
    // The host pauses meanwhile; the page finds it again by itself.
    await tab.locator(".tag", { hasText: "completed" }).waitFor({ timeout: 90_000 });
    wrong.length = 0;
    await settled(tab);
    await legible(tab, "erased");
    await tab.getByRole("button", { name: /^Receipt of/ }).click();
    await tab.getByText("weir-receipt/1").waitFor();
    await legible(tab, "a receipt");
    await sound(tab, "a receipt");
    const receipt = JSON.parse(await taken(tab, () => tab.getByRole("button", { name: "Download" }).click()));
    assert.equal(receipt.kind, "erasure");
    assert.ok(receipt.signature);
  });
});

test("the end of an account is requested by one and confirmed by another, held, and let go on", async () => {
  await as("ada", "#/admin?at=data", async (tab, wrong) => {
    await tab.getByRole("button", { name: "What would go" }).click();
    await tab.getByText("raw records", { exact: true }).waitFor();
    await legible(tab, "what would go");
    await sound(tab, "what would go");
    await tab.getByRole("button", { name: "Close" }).click();
    await tab.getByRole("button", { name: "Request" }).click();
    await tab.getByLabel("contact").fill("ada@example.com");
    await tab.getByLabel("reason").fill("a test");
    await tab.getByLabel("not before").fill(new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10));
    await tab.getByLabel("Type this sentence").fill(await tab.locator(".sentence").textContent());
    await sound(tab, "a request");
    await tab.getByRole("dialog").getByRole("button", { name: "Request" }).click();
    await tab.getByRole("button", { name: "Confirm" }).click();
    await tab.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await tab.getByText(/has asked for it and cannot confirm it/).waitFor();
    assert.match(wrong.pop(), /^4\d\d POST/);
    await tab.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await tab.getByRole("button", { name: "Take back" }).click();
    await tab.getByRole("button", { name: "Take it back" }).click();
    await tab.locator(".tag", { hasText: "cancelled" }).waitFor();
    await legible(tab, "taken back");
    await tab.getByRole("button", { name: "Request" }).click();
    await tab.getByLabel("contact").fill("ada@example.com");
    await tab.getByLabel("not before").fill(new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10));
    await tab.getByLabel("Type this sentence").fill(await tab.locator(".sentence").textContent());
    await tab.getByRole("dialog").getByRole("button", { name: "Request" }).click();
    await tab.locator(".tag", { hasText: "requested" }).waitFor();
  });
  await as("second", "#/admin?at=data", async (tab) => {
    await tab.getByRole("button", { name: "Confirm" }).click();
    await tab.getByRole("dialog").getByRole("button", { name: "Confirm" }).click();
    await tab.locator(".tag", { hasText: "scheduled" }).waitFor();
    await tab.getByRole("button", { name: "Hold" }).click();
    await tab.getByLabel("reason").fill("a dispute");
    await tab.getByRole("button", { name: "Hold it" }).click();
    await tab.getByText("Waits for a hold to be lifted: a dispute.").waitFor();
    await legible(tab, "held");
    await sound(tab, "held");
    await tab.getByRole("button", { name: "Lift the hold" }).click();
    await tab.locator(".tag", { hasText: "scheduled" }).waitFor();
  });
});
