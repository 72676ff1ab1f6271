import { readFileSync } from "node:fs";

/** The version in the package's manifest; read as a file so that `--help` need not load the contract. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
