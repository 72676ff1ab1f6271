// Builds each package into dist/<package>: what `npm publish` is given. Development needs no build.
// `--out DIR` builds elsewhere, names build some of the packages only.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
const out = resolve(values.out ?? join(root, "dist"));

/** In the order of their imports, with what npm shows of each. */
const README = { contract: "README.md", sdk: "docs/sdk.md", daemon: "README.md" };

/** What stands beside the source for tests alone. */
const TEST_ONLY = [
  "**/*.test.ts",
  "**/*.fixture.ts",
  "**/testing/**",
  "**/testing.ts",
  "**/test-support.ts",
  "kernel/conformance/**",
];

interface Manifest {
  exports?: Record<string, string>;
  bin?: Record<string, string>;
  [field: string]: unknown;
}

function compile(name: string, paths: Record<string, string[]>): void {
  const config = join(out, `${name}.tsconfig.json`);
  const source = join(root, "packages", name, "src");
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
        paths,
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

/** The manifest of the published package: it points at what was built. */
function writeManifest(name: string): void {
  const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
  const published: Manifest = { ...manifest };
  if (manifest.exports !== undefined) {
    published.exports = Object.fromEntries(
      Object.entries(manifest.exports).map(([key, path]) => [
        key,
        path.replace("./src/", "./dist/").replace(/\.ts$/, ".js"),
      ]),
    );
  }
  writeFileSync(join(out, name, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
}

const names = Object.entries(README).filter(
  ([name]) => positionals.length === 0 || positionals.includes(name),
);
const contract = join(out, "contract", "dist", "index.d.ts");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [name, readme] of names) {
  compile(name, name === "contract" ? {} : { "@kheish/contract": [contract] });
  writeManifest(name);
  cpSync(join(root, "LICENSE"), join(out, name, "LICENSE"));
  cpSync(join(root, readme), join(out, name, "README.md"));
  const bin = join(root, "packages", name, "bin");
  if (existsSync(bin)) cpSync(bin, join(out, name, "bin"), { recursive: true });
}
console.log(`built: ${names.map(([name]) => join(out, name)).join(", ")}`);
