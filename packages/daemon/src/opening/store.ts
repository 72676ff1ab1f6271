import { availableParallelism } from "node:os";
import { join } from "node:path";
import { unescape as percentDecoded } from "node:querystring";
import type { Log } from "../kernel/log.ts";
import { openMovingStore, openSqliteStore } from "../kernel/sqlite/index.ts";
import type { Store } from "../kernel/store.ts";

/** `store`: `sqlite`, or the URL of a PostgreSQL database, which is loaded only when it is asked for. */
export async function openStore(store: string, stateRoot: string): Promise<Store> {
  if (store === "sqlite") return openSqliteStore({ path: databaseIn(stateRoot) });
  return openPostgres(store);
}

/** The store of a daemon: one on SQLite has a thread of its own under load. */
export async function openServingStore(store: string, stateRoot: string, log: Log): Promise<Store> {
  if (store !== "sqlite") return openPostgres(store);
  const onMoved = (where: string) => log.info({ where }, "the store has moved");
  return openMovingStore({ path: databaseIn(stateRoot), processors: availableParallelism(), onMoved });
}

function databaseIn(stateRoot: string): string {
  return join(stateRoot, "kheish.db");
}

async function openPostgres(store: string): Promise<Store> {
  const { openPostgresStore } = await import("../kernel/postgres/index.ts");
  return openPostgresStore({ url: store });
}

/** The password of a database's URL, as it stands there and as it is. */
export function passwordsIn(store: string): string[] {
  const password = URL.canParse(store) ? new URL(store).password : "";
  return password === "" ? [] : [password, percentDecoded(password)];
}
