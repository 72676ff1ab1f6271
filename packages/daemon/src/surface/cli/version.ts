import { readFileSync } from "node:fs";
import { MANIFEST } from "../../kernel/package.ts";

/** The version in the package's manifest; read as a file so that `--help` need not load the contract. */
export function packageVersion(): string {
  const manifest = readFileSync(MANIFEST, "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
