// `node scripts/build.ts [FOLDER]`: builds each package into FOLDER/<package> (`dist`), which is what `npm publish` is
// given. Development needs no build.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { noticesOf } from "./third-party.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = resolve(process.argv[2] ?? join(root, "dist"));
const daemonSource = join(root, "packages", "daemon", "src");

/** What of the daemon is started by its file: the command line, and threads. */
const PROGRAMS = ["surface/cli/index", "tools/search/search-worker"];
/** Not in the bundle: what an operator installs beside it, and a driver that is never used. */
const EXTERNAL = ["@opentelemetry/exporter-trace-otlp-http", "@opentelemetry/resources", "pg-native"];

interface Manifest {
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** The contract is read by people's compilers: one file a module, with its types. */
function compileContract(): void {
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const config = join(root, "packages", "contract", "tsconfig.build.json");
  const done = spawnSync(process.execPath, [tsc, "-p", config, "--outDir", join(out, "contract", "dist")], {
    stdio: "inherit",
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/**
 * The daemon is run, not imported: it is published as a bundle with everything it needs. A process then reads a few
 * files instead of a thousand, which is most of a start, and a third of the memory of a daemon at rest.
 */
async function bundleDaemon(): Promise<void> {
  const bundle = await rolldown({
    input: Object.fromEntries(PROGRAMS.map((name) => [name, join(daemonSource, `${name}.ts`)])),
    platform: "node",
    external: EXTERNAL,
  });
  const { output } = await bundle.write({
    dir: join(out, "daemon", "dist"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await bundle.close();
  const modules = output.flatMap((part) => (part.type === "chunk" ? part.moduleIds : []));
  writeFileSync(join(out, "daemon", "THIRD-PARTY-NOTICES"), noticesOf(modules));
}

/** The manifest of the published package: it points at what was built. */
function writeManifest(name: string, change: (manifest: Manifest) => Manifest): void {
  const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
  writeFileSync(join(out, name, "package.json"), `${JSON.stringify(change(manifest), null, 2)}\n`);
}

function withBuiltExports(manifest: Manifest): Manifest {
  const built = Object.entries(manifest.exports ?? {}).map(([key, path]) => [
    key,
    path.replace("./src/", "./dist/").replace(/\.ts$/, ".js"),
  ]);
  return { ...manifest, exports: Object.fromEntries(built) };
}

function withoutBundled({ dependencies: _bundled, ...manifest }: Manifest): Manifest {
  return { ...manifest, files: ["bin", "dist", "THIRD-PARTY-NOTICES"] };
}

rmSync(out, { recursive: true, force: true });
for (const name of ["contract", "daemon"]) mkdirSync(join(out, name), { recursive: true });
compileContract();
await bundleDaemon();
writeManifest("contract", withBuiltExports);
writeManifest("daemon", withoutBundled);
for (const name of ["contract", "daemon"])
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(out, name, file));
cpSync(join(root, "packages", "daemon", "bin"), join(out, "daemon", "bin"), { recursive: true });
console.log(`built: ${["contract", "daemon"].map((name) => join(out, name)).join(", ")}`);
