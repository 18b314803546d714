// Builds `dist` from `src`. The same source gives the same bytes: no hashes of time, no source maps, sorted inputs.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { brotliCompressSync } from "node:zlib";

const JS_BYTES_MAX = 60_000;

await rm("dist", { recursive: true, force: true });
await mkdir("dist/assets", { recursive: true });
await build({
  entryPoints: { app: "src/main.tsx", theme: "src/theme.ts", style: "src/styles/index.css" },
  outdir: "dist/assets",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
await copyFile("src/index.html", "dist/index.html");
await copyFile("src/icon.svg", "dist/assets/icon.svg");

for (const name of ["app.js", "theme.js", "style.css"]) {
  const bytes = await readFile(`dist/assets/${name}`);
  const packed = brotliCompressSync(bytes).length;
  console.log(`${name.padEnd(10)} ${String(bytes.length).padStart(7)} B, ${String(packed).padStart(6)} B brotli`);
  if (name === "app.js" && packed > JS_BYTES_MAX) throw new Error(`${name} is over ${JS_BYTES_MAX} B brotli`);
}
