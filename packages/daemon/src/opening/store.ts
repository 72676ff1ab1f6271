import { join } from "node:path";
import { unescape as percentDecoded } from "node:querystring";
import { openSqliteStore } from "../kernel/sqlite/index.ts";
import type { Store } from "../kernel/store.ts";

/** `store`: `sqlite`, or the URL of a PostgreSQL database, which is loaded only when it is asked for. */
export async function openStore(store: string, stateRoot: string): Promise<Store> {
  if (store === "sqlite") return openSqliteStore({ path: join(stateRoot, "kheish.db") });
  const { openPostgresStore } = await import("../kernel/postgres/index.ts");
  return openPostgresStore({ url: store });
}

/** The password of a database's URL, as it stands there and as it is. */
export function passwordsIn(store: string): string[] {
  const password = URL.canParse(store) ? new URL(store).password : "";
  return password === "" ? [] : [password, percentDecoded(password)];
}
