#!/usr/bin/env node
// Plain JavaScript on purpose: an older Node must be able to read this file, to say so or to hand over.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const OLDEST_NODE = 24;
/** Set for the process we hand over to, so that a wrong pin ends in a message and not in a loop. */
const HANDED_OVER = "KHEISH_NODE_HANDED_OVER";

const here = dirname(fileURLToPath(import.meta.url));

/** The checkout runs its source; the published package has only `dist`. */
function entryPoint() {
  const source = join(here, "..", "src", "surface", "cli", "index.ts");
  return existsSync(source) ? source : join(here, "..", "dist", "surface", "cli", "index.js");
}

/** The Node that the checkout pins, found by walking up to its `node_modules`. */
function pinnedNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", ".bin", "node");
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, [HANDED_OVER]: "1" },
  });
  // A terminal sends Ctrl-C to the child as well; forwarding it would count as the second, impatient one.
  const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  process.on("SIGINT", () => atTerminal || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(reason) {
  console.error(`Error: ${reason}`);
  process.exit(1);
}

if (Number(process.versions.node.split(".")[0]) >= OLDEST_NODE) {
  module.enableCompileCache();
  await import(pathToFileURL(entryPoint()).href);
} else {
  const node = process.env[HANDED_OVER] ? undefined : pinnedNode();
  if (node === undefined) fail(`kheish needs Node ${OLDEST_NODE} or newer; this is ${process.version}`);
  handOver(node);
}
