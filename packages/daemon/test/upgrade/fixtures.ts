import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Engine } from "./place.ts";

/**
 * One dump per engine and schema version: what a daemon of that version had on disk when it was killed in the middle
 * of its work. A released one is never written again, for it stands for the stores that are out there.
 */
const DIRECTORY = fileURLToPath(new URL("fixtures/", import.meta.url));

export function fixturePath(engine: Engine, version: number): string {
  return `${DIRECTORY}${engine}-${version}.sql`;
}

export function readFixture(engine: Engine, version: number): Promise<string> {
  return readFile(fixturePath(engine, version), "utf8");
}

/** The versions that there is a fixture of, oldest first. */
export function fixtureVersions(engine: Engine): number[] {
  const versions = readdirSync(DIRECTORY).flatMap((name) => {
    const version = new RegExp(`^${engine}-(\\d+)\\.sql$`).exec(name)?.[1];
    return version === undefined ? [] : [Number(version)];
  });
  return versions.sort((a, b) => a - b);
}
