// Builds each package into dist/<package>: what `npm publish` is given. Development needs no build.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist");

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

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
compile("contract", {});
compile("daemon", { "@kheish/contract": [join(out, "contract", "dist", "index.d.ts")] });
for (const name of ["contract", "daemon"]) {
  writeManifest(name);
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(out, name, file));
}
cpSync(join(root, "packages", "daemon", "bin"), join(out, "daemon", "bin"), { recursive: true });
console.log(`built: ${["contract", "daemon"].map((name) => join("dist", name)).join(", ")}`);
