// Runs the tests of the pure parts: bundles `test/all.ts` in memory and hands them to the test runner of node.
import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: ["test/all.ts"],
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  logLevel: "warning",
});
await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
