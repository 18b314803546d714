// A host that is not there: serves `dist` and made-up answers, with live events. Nothing of it is shipped.
//   npm run mock                      http://127.0.0.1:7979
//   MOCK_EMPTY=1 npm run mock         a host with nothing connected
//   MOCK_QUIET=1 npm run mock         no new builds
//   WEIR_URL=http://127.0.0.1:7878   answers of a real host, for work on the page with real data
//   MOCK_NOW=2025-03-14T10:00:00Z     where the data ends

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Wrong, World } from "./answers.mjs";
import { build, random } from "./data.mjs";

const PORT = Number(process.env.MOCK_PORT ?? 7979);
const POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };
const DIST = new URL("../dist/", import.meta.url);

const world = new World(Date.parse(process.env.MOCK_NOW ?? "") || Date.now(), { empty: Boolean(process.env.MOCK_EMPTY) });
const followers = new Set();

createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://mock");
  try {
    if (process.env.WEIR_URL && url.pathname.startsWith("/v1/")) return await pass(request, response, process.env.WEIR_URL);
    if (url.pathname === "/v1/events") return follow(request, response);
    if (url.pathname.startsWith("/v1/")) return json(response, 200, answer(url.pathname.slice(4), url.searchParams));
    await file(response, url.pathname === "/" ? "index.html" : url.pathname.slice(1));
  } catch (error) {
    if (error instanceof Wrong) return json(response, error.problem.status, error.problem, "application/problem+json");
    if (response.headersSent) return response.end();
    json(response, 500, { title: "Internal Server Error", status: 500, detail: String(error) }, "application/problem+json");
  }
}).listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));

function answer(path, params) {
  const [what, name = "", more] = path.split("/").map(decodeURIComponent);
  if (what === "search") return world.search(params);
  if (what === "metrics" && !name) return { metrics: [{ name: "change-lead-time", version: "dora/2025.1", summary: "First commit of a change to the first production deployment that has it." }] };
  if (what === "metrics") return more === "samples" ? { samples: world.samples(name, params).slice(0, 1_000) } : world.metric(name, params);
  if (what === "status") return world.status();
  if (what === "red-builds") return world.red(Number(params.get("limit") ?? 20));
  if (what === "entities") return more === "raw" ? world.raw(name) : world.entity(name);
  if (what === "builds" && more === "suspects") return world.suspects(name);
  throw new Wrong(404, "there is nothing at this path", "the API is described in docs/API.md");
}

async function pass(request, response, host) {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const answer = await fetch(new URL(request.url, host), { headers: { accept: request.headers.accept }, signal: gone.signal });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
  for await (const chunk of answer.body) response.write(chunk);
  response.end();
}

function json(response, status, body, type = "application/json") {
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

async function file(response, path) {
  const bytes = await readFile(new URL(path, DIST)).catch(() => {
    throw new Wrong(404, "there is no such file", "`npm run build` writes them");
  });
  const type = TYPES[path.split(".").at(-1)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "content-security-policy": POLICY, "cache-control": "no-cache" }).end(bytes);
}

function follow(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  response.write(": hello\n\n");
  followers.add(response);
  request.on("close", () => followers.delete(response));
}

if (!process.env.MOCK_QUIET && !world.empty) {
  const r = random(99);
  let number = 50_000;
  setInterval(() => {
    number += 1;
    world.accepted += 3;
    const one = build(number, Date.now(), r);
    world.builds.unshift(one);
    const kind = one.result === "failure" ? "build.broken" : "build.finished";
    const event = { number, kind, at: one.finished, seq: world.accepted, entity: one.id };
    for (const response of followers) response.write(`id: ${number}\ndata: ${JSON.stringify(event)}\n\nevent: tick\ndata: ${world.accepted}\n\n`);
  }, 4_000);
}
