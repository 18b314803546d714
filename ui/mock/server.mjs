// A host that is not there: serves `dist` and made-up answers, with live events. Nothing of it is shipped.
//   npm run mock                      http://127.0.0.1:7979
//   MOCK_EMPTY=1 npm run mock         a host with nothing connected
//   MOCK_LOGIN=1 npm run mock         a host people log in to: ana, correct horse battery
//   MOCK_FIRST=1 npm run mock         one without an administrator: /#/welcome?token=once-only
//   MOCK_QUIET=1 npm run mock         no new builds
//   WEIR_URL=http://127.0.0.1:7878   answers of a real host, for work on the app with real data
//   MOCK_NOW=2025-03-14T10:00:00Z     where the data ends

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { Access } from "./access.mjs";
import { Wrong, World } from "./answers.mjs";
import { build, random } from "./data.mjs";

const POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };
const DIST = new URL("../dist/", import.meta.url);

/** Serves on a port, 0 for any; answers `{url, stop}`. `many` times as much of what people make; `broken`: it answers nothing but that; `gone`: its account was erased. */
export async function serve({ port = 0, empty = false, quiet = false, host = "", key = "", logIn = false, first = false, many = 1, broken = false, gone = false, now = Date.now() } = {}) {
  const world = new World(now, { empty, many });
  const access = new Access(now, { required: logIn || first, bare: first || empty, key, many, gone });
  const followers = new Set();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://mock");
    try {
      if (host && url.pathname.startsWith("/v1/")) return await pass(request, response, host);
      const path = url.pathname.slice(4).split("/").map(decodeURIComponent);
      if (url.pathname.startsWith("/v1/")) access.judge(request, path);
      if (gone && !["decommissions", "audit"].includes(path[0]) && url.pathname.startsWith("/v1/")) throw new Wrong(410, "the account of this host was decommissioned, or is being so", "GET /v1/decommissions tells how far it is");
      if (broken && url.pathname.startsWith("/v1/") && path[0] !== "session") throw new Wrong(500, "the disk of `/var/lib/weir` is full", "make room, then run `weir doctor`");
      if (url.pathname === "/v1/events") return follow(request, response, followers);
      if (url.pathname.startsWith("/v1/")) {
        const text = await body(request);
        const { status = 200, cookie, body: told } = access.answer(request, path, url.searchParams, text) ?? { body: answer(world, request.method, path, url.searchParams, text) };
        return json(response, status, told, "application/json", cookie);
      }
      await file(response, url.pathname === "/" ? "index.html" : url.pathname.slice(1));
    } catch (error) {
      if (error instanceof Wrong) return json(response, error.problem.status, error.problem, "application/problem+json");
      if (response.headersSent) return response.end();
      json(response, 500, { title: "Internal Server Error", status: 500, detail: String(error) }, "application/problem+json");
    }
  });
  await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  const timer = quiet || empty ? undefined : live(world, followers);
  const stop = () => {
    clearInterval(timer);
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

function answer(world, method, path, params, text) {
  if (method !== "GET") return world.act(path, text);
  const [what, name = "", more] = path;
  if (what === "search") return world.search(params);
  if (what === "searches") return { searches: [{ name: "red-main", q: "kind:build AND result:failure", description: "broken builds", needs: [] }], variables: {} };
  if (what === "metrics" && !name) return world.definitions();
  if (what === "metrics") return more === "samples" ? { samples: world.samples(name, params).slice(0, 1_000) } : world.metric(name, params);
  if (what === "status") return world.status();
  if (what === "work") return world.work(name, params);
  if (what === "red-builds") return world.red(Number(params.get("limit") ?? 20));
  if (what === "entities") return more === "raw" ? world.raw(name) : more === "notes" ? { notes: world.notes.filter((note) => note.about === name) } : more === "links" ? world.links(name) : world.entity(name);
  if (what === "builds" && more === "suspects") return world.suspects(name);
  if (what === "propels" && name === "runs") return more ? world.propels.runs.find((run) => run.id === more) : world.runs(params);
  if (what === "propels") return world.empty ? { propels: [] } : world.propels.list(world.end);
  if (what === "tables") return world.empty ? { tables: [] } : name ? { rows: world.propels.rows } : world.propels.tables();
  if (what === "plugins") return { plugins: world.empty ? [] : ["connector-github", "connector-jira", "propel-notify"].map((id) => ({ id, path: `/plugins/${id}.wasm`, comes_with_weir: id !== "connector-jira", signers: id === "connector-jira" ? ["acme"] : [], version: "0.1.0", kind: "connector", digest: "f52aa7ba41cfc567649bab878a43a039964d1db421cf6edb456200dacda4d294", methods: ["GET"], hosts: [], datasets: ["issues", "boards"], events: [] })) };
  if (what === "outcomes") return { outcomes: world.empty ? [] : [{ seq: 41_007, stream: "jira/issues", key: "PAY-12", outcome: "rejected", diagnostics: [{ place: "fields.created", code: "time.unreadable", found: "yesterday" }] }, { seq: 41_002, stream: "github/issues", key: "#7", outcome: "ignored", reason: "github.issue.is-pull" }] };
  throw new Wrong(404, "there is nothing at this path", "the API is described in docs/API.md");
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

/** Headers that a real host is handed. */
const PASSED = ["accept", "authorization", "content-type", "cookie", "sec-fetch-site", "x-weir-token"];

async function pass(request, response, host) {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const sent = ["POST", "PUT"].includes(request.method) ? { body: await body(request) } : {};
  const headers = Object.fromEntries(PASSED.flatMap((name) => (request.headers[name] ? [[name, request.headers[name]]] : [])));
  const answer = await fetch(new URL(request.url, host), { method: request.method, headers, signal: gone.signal, ...sent });
  const cookies = answer.headers.getSetCookie();
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "", ...(cookies.length > 0 ? { "set-cookie": cookies } : {}) });
  for await (const chunk of answer.body) response.write(chunk);
  response.end();
}

function json(response, status, body, type = "application/json", cookie = undefined) {
  response.writeHead(status, { "content-type": type, ...(cookie ? { "set-cookie": cookie } : {}) }).end(body === undefined ? "" : JSON.stringify(body));
}

async function file(response, path) {
  const bytes = await readFile(new URL(path, DIST)).catch(() => {
    throw new Wrong(404, "there is no such file", "`npm run build` writes them");
  });
  const type = TYPES[path.split(".").at(-1)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "content-security-policy": POLICY, "cache-control": "no-cache" }).end(bytes);
}

function follow(request, response, followers) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": hello\n\n");
  followers.add(response);
  request.on("close", () => followers.delete(response));
}

/** A new build every few seconds. */
function live(world, followers) {
  const r = random(99);
  let number = 50_000;
  return setInterval(() => {
    number += 1;
    world.accepted += 3;
    const one = build(number, Date.now(), r);
    world.builds.unshift(one);
    const kind = one.result === "failure" ? "build.broken" : "build.finished";
    const event = { number, kind, at: one.finished, seq: world.accepted, entity: one.id };
    for (const response of followers) response.write(`id: ${number}\ndata: ${JSON.stringify(event)}\n\nevent: tick\ndata: ${world.accepted}\n\n`);
  }, 4_000);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { MOCK_PORT = "7979", MOCK_EMPTY, MOCK_QUIET, MOCK_LOGIN, MOCK_FIRST, MOCK_NOW = "", WEIR_URL = "" } = process.env;
  const options = { port: Number(MOCK_PORT), empty: Boolean(MOCK_EMPTY), quiet: Boolean(MOCK_QUIET), logIn: Boolean(MOCK_LOGIN), first: Boolean(MOCK_FIRST), host: WEIR_URL, now: Date.parse(MOCK_NOW) || Date.now() };
  console.log((await serve(options)).url);
}
