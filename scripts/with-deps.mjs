// Runs one of the project's jobs with the pinned Node, installing first what is missing.
// Plain JavaScript on purpose: this is the only file that an older system Node (>= 20) has to run.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const stamp = join(root, "node_modules", ".kheish-installed");

const jobs = {
  demo: [["node", "packages/daemon/bin/kheish.js", "demo"]],
  test: [["vitest", "run"]],
  check: [
    ["tsc", "--noEmit"],
    ["tsc", "--noEmit", "-p", "packages/sdk/examples/chat"],
    ["tsc", "--noEmit", "-p", "packages/console"],
    ["biome", "check", "--error-on-warnings", "."],
    ["depcruise", "packages", "scripts", "--config", ".dependency-cruiser.cjs", "--output-type", "err-long"],
  ],
  bench: [["node", "bench/run.ts"]],
  sim: [["node", "packages/daemon/test/simulation/cli.ts"]],
  chaos: [["node", "packages/daemon/test/chaos/cli.ts"]],
  build: [["node", "scripts/build.ts"]],
  pictures: [["node", "packages/console/test/pictures.ts"]],
  format: [
    ["node", "scripts/endpoint-tables.ts"],
    ["biome", "check", "--write", "."],
  ],
};

/** The digest of everything that decides what node_modules must hold. */
function wanted() {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "package.json"]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}

function install() {
  const digest = wanted();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.error("kheish: installing dependencies (once) ...");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const verb = existsSync(join(root, "package-lock.json")) ? "ci" : "install";
  const done = spawnSync(npm, [verb, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, "inherit"],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) fail(`'npm ${verb}' failed; see its output above`);
  writeFileSync(stamp, wanted());
}

function fail(message) {
  console.error(`kheish: ${message}`);
  process.exit(1);
}

/** The pinned Node where the platform has one, else this one when it is new enough. */
function nodeProgram() {
  const pinned = join(bin, "node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return fail("no pinned Node for this platform; use Node 24 or newer");
}

const [name, ...args] = process.argv.slice(2);
const steps = jobs[name];
if (!steps) fail(`unknown job '${name ?? ""}'; one of: ${Object.keys(jobs).join(", ")}`);
install();
const node = nodeProgram();
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
for (const [index, [program, ...rest]] of steps.entries()) {
  const last = index === steps.length - 1 ? args : [];
  const entry = program === "node" ? [] : [join(bin, program)];
  const done = spawnSync(node, [...entry, ...rest, ...last], { cwd: root, stdio: "inherit", env });
  if (done.signal) process.kill(process.pid, done.signal);
  if (done.status !== 0) process.exit(done.status ?? 1);
}
