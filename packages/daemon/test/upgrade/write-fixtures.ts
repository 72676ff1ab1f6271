/**
 * Writes the fixture of the newest schema version of each engine: run it by hand after a migration was added.
 *
 *   node packages/daemon/test/upgrade/write-fixtures.ts [--overwrite]
 *
 * `--overwrite` is for a version that is not released yet.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { MIGRATIONS as POSTGRES } from "../../src/kernel/postgres/migrations.ts";
import { MIGRATIONS as SQLITE } from "../../src/kernel/sqlite/migrations.ts";
import { startPostgres } from "../support/postgres.ts";
import { fixturePath } from "./fixtures.ts";
import type { Place } from "./place.ts";
import { PostgresPlace } from "./postgres-place.ts";
import { SqlitePlace } from "./sqlite-place.ts";
import { tell } from "./story.ts";

const { values } = parseArgs({ options: { overwrite: { type: "boolean", default: false } } });

async function write(place: Place, version: number): Promise<void> {
  const path = fixturePath(place.engine, version);
  if (existsSync(path) && !values.overwrite) {
    process.exitCode = 1;
    process.stderr.write(`${path} is there already; --overwrite writes it again\n`);
    return;
  }
  await tell(place);
  await writeFile(path, await place.dump());
  process.stdout.write(`${path}\n`);
}

const directory = await mkdtemp(join(tmpdir(), "kheish-fixtures-"));
// Neither the server's pipes nor a simulated clock keep a process alive.
const awake = setInterval(() => undefined, 60_000);
const server = await startPostgres();
try {
  await write(new SqlitePlace(directory), SQLITE.at(-1)?.version ?? 0);
  await write(new PostgresPlace(await server.createDatabase(), directory), POSTGRES.at(-1)?.version ?? 0);
} finally {
  await server.stop();
  clearInterval(awake);
  await rm(directory, { recursive: true });
}
