// Builds each package into dist/<package>: what `npm publish` is given. Development needs no build.
// `--out DIR` builds elsewhere, names build some of the packages only.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rolldown } from "rolldown";
import { build as bundlePages } from "vite";
import { noticesOf } from "./third-party.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
// Whoever builds may be a test, whose environment says so: React would come in its version for development.
process.env.NODE_ENV = "production";
const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
const out = resolve(values.out ?? join(root, "dist"));

/** What of the daemon is started by its file: the command line, and threads. */
const PROGRAMS = [
  "surface/cli/index",
  "tools/search/search-worker",
  "governance/audit/verify/verify-worker",
  "kernel/sqlite/thread/store-worker",
];
/** Not in the bundle: what an operator installs beside it, and a driver that is never used. */
const EXTERNAL = ["@opentelemetry/exporter-trace-otlp-http", "@opentelemetry/resources", "pg-native"];
const TEST_ONLY = ["**/*.test.ts", "**/*.fixture.ts"];

interface Package {
  /** What npm shows of it. */
  readme: string;
  build: (name: string) => Promise<void>;
  manifest: (manifest: Manifest) => Manifest;
}

interface Manifest {
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  [field: string]: unknown;
}

/** In the order of their imports. */
const PACKAGES: Readonly<Record<string, Package>> = {
  contract: { readme: "README.md", build: compile, manifest: withBuiltExports },
  sdk: { readme: "docs/sdk.md", build: compile, manifest: withBuiltExports },
  daemon: { readme: "README.md", build: bundle, manifest: withoutBundled },
};

/** One file a module, with its types: what is read by people's compilers. */
async function compile(name: string): Promise<void> {
  const config = join(out, `${name}.tsconfig.json`);
  const source = join(root, "packages", name, "src");
  const declared = (module: string) => join(out, "contract", "dist", `${module}.d.ts`);
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        rewriteRelativeImportExtensions: true,
        rootDir: source,
        outDir: join(out, name, "dist"),
        typeRoots: [join(root, "node_modules", "@types")],
        // What was built may stand where nothing is installed.
        paths: {
          zod: [join(root, "node_modules", "zod", "index.d.ts")],
          ...(name === "contract"
            ? {}
            : { "@kheish/contract": [declared("index")], "@kheish/contract/*": [declared("*")] }),
        },
      },
      include: [join(source, "**/*.ts")],
      exclude: TEST_ONLY.map((pattern) => join(source, pattern)),
    }),
  );
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const done = spawnSync(process.execPath, [tsc, "-p", config], { stdio: "inherit" });
  rmSync(config);
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/**
 * What is run and not imported is published as a bundle with everything it needs. A process then reads a few files
 * instead of a thousand, which is most of a start, and a third of the memory of a daemon at rest.
 */
async function bundle(name: string): Promise<void> {
  const folder = join(root, "packages", name);
  const bundled = await rolldown({
    input: Object.fromEntries(PROGRAMS.map((program) => [program, join(folder, "src", `${program}.ts`)])),
    platform: "node",
    external: EXTERNAL,
  });
  const { output } = await bundled.write({
    dir: join(out, name, "dist"),
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await bundled.close();
  const modules = [...modulesOf(output), ...(await addConsole(join(out, name)))];
  writeFileSync(join(out, name, "THIRD-PARTY-NOTICES"), noticesOf(modules));
  for (const part of ["bin", "skills"])
    cpSync(join(folder, part), join(out, name, part), { recursive: true });
  cpSync(join(root, "docs"), join(out, name, "docs"), { recursive: true });
}

/**
 * Built into the daemon that is published, and put where a checkout's daemon serves it from; not by a build elsewhere, which
 * leaves alone what others may be reading. Answers what is in it.
 */
async function addConsole(daemon: string): Promise<string[]> {
  const source = join(root, "packages", "console");
  const outDir = join(daemon, "console");
  const built = await bundlePages({ root: source, logLevel: "warn", build: { outDir, emptyOutDir: true } });
  if (!("output" in built)) throw new Error("the console was not built");
  if (values.out === undefined) {
    rmSync(join(source, "dist"), { recursive: true, force: true });
    cpSync(outDir, join(source, "dist"), { recursive: true });
  }
  return modulesOf(built.output);
}

function modulesOf(output: readonly { type: string; moduleIds?: string[] }[]): string[] {
  return output.flatMap(({ moduleIds }) => moduleIds ?? []);
}

function withBuiltExports(manifest: Manifest): Manifest {
  const built = Object.entries(manifest.exports ?? {}).map(([key, path]) => [
    key,
    path.replace("./src/", "./dist/").replace(/\.ts$/, ".js"),
  ]);
  return { ...manifest, exports: Object.fromEntries(built) };
}

function withoutBundled({ dependencies: _bundled, ...manifest }: Manifest): Manifest {
  return { ...manifest, files: ["bin", "console", "dist", "docs", "skills", "THIRD-PARTY-NOTICES"] };
}

const wanted = Object.entries(PACKAGES).filter(
  ([name]) => positionals.length === 0 || positionals.includes(name),
);
rmSync(out, { recursive: true, force: true });
for (const [name, { readme, build, manifest }] of wanted) {
  const folder = join(out, name);
  mkdirSync(folder, { recursive: true });
  await build(name);
  const source = readFileSync(join(root, "packages", name, "package.json"), "utf8");
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(JSON.parse(source)), null, 2)}\n`);
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  cpSync(join(root, readme), join(folder, "README.md"));
}
console.log(`built: ${wanted.map(([name]) => join(out, name)).join(", ")}`);
