// The limit: the same page of the same index by the same SQL, its documents sent as they are stored.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const { PORT, LISTED_DATABASE } = process.env;
const db = new DatabaseSync(String(LISTED_DATABASE), { readOnly: true });

/** By direction. A page that continues seeks by the key it has seen last; the other bound stays out of the seek. */
const pages = {
  asc: db.prepare(pageSql("+i.key >= ? AND i.key < ? AND i.key > ?", "ASC")),
  desc: db.prepare(pageSql("i.key >= ? AND +i.key < ? AND i.key < ?", "DESC")),
};
const count = db.prepare(
  "SELECT count(*) AS n FROM record_index WHERE kind = ? AND name = ? AND key >= ? AND key < ?",
);

function pageSql(where: string, direction: string): string {
  return `SELECT r.data FROM record_index i CROSS JOIN records r ON r.kind = i.kind AND r.id = i.id
    WHERE i.kind = ? AND i.name = ? AND ${where} ORDER BY i.key ${direction}, i.id ${direction} LIMIT ?`;
}

createServer((request, response) => {
  const query = new URL(request.url ?? "/", "http://limit").searchParams;
  if (!query.has("kind")) return response.end("{}");
  const of = (name: string) => query.get(name) ?? "";
  const span = [of("kind"), of("index"), of("from"), of("below")] as const;
  const page = of("order") === "desc" ? pages.desc : pages.asc;
  const rows = page.all(...span, of("after"), Number(of("limit"))) as { data: string }[];
  const total = of("count") === "true" ? (count.get(...span) as { n: number }).n : null;
  response.writeHead(200, { "content-type": "application/json" });
  response.end(`{"items":[${rows.map((row) => row.data).join(",")}],"total":${total}}`);
}).listen(Number(PORT), "127.0.0.1");
