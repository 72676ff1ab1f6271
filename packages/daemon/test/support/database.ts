import { DatabaseSync } from "node:sqlite";

/** Every row of every table of an SQLite file in which a text stands, and how often it stands there. */
export function occurrences(path: string, text: string): { table: string; column: string; times: number }[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return tables.flatMap(({ name }) => found(db, String(name), text));
  } finally {
    db.close();
  }
}

function found(db: DatabaseSync, table: string, text: string) {
  const rows = db.prepare(`SELECT * FROM ${table}`).all();
  return rows.flatMap((row) =>
    Object.entries(row).flatMap(([column, value]) => {
      const times = String(value).split(text).length - 1;
      return times === 0 ? [] : [{ table, column, times }];
    }),
  );
}
