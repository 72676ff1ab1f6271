import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll } from "vitest";
import { MIGRATIONS as POSTGRES } from "../../src/kernel/postgres/migrations.ts";
import { MIGRATIONS as SQLITE } from "../../src/kernel/sqlite/migrations.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import type { Engine, Place } from "./place.ts";
import { PostgresPlace } from "./postgres-place.ts";
import { SqlitePlace } from "./sqlite-place.ts";

/** An engine as a suite sees it. */
export interface UpgradeEngine<P extends Place = Place> {
  readonly name: Engine;
  /** The newest schema version that this binary knows. */
  readonly newest: number;
  /** An empty place, which is gone after the test. */
  place(): Promise<P>;
}

export function useSqlite(): UpgradeEngine<SqlitePlace> {
  const directory = useDirectories();
  return {
    name: "sqlite",
    newest: SQLITE.at(-1)?.version ?? 0,
    place: async () => new SqlitePlace(await directory()),
  };
}

/** Gives the calling file a server, and each place a database. */
export function usePostgres(): UpgradeEngine<PostgresPlace> {
  const directory = useDirectories();
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  return {
    name: "postgres",
    newest: POSTGRES.at(-1)?.version ?? 0,
    place: async () => new PostgresPlace(await server.createDatabase(), await directory()),
  };
}

function useDirectories(): () => Promise<string> {
  const directories: string[] = [];
  afterEach(async () => {
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
  });
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), "kheish-upgrade-"));
    directories.push(directory);
    return directory;
  };
}
