// The limit: `node:http` and one insert, nothing else. Requests that arrive together share a commit, as the daemon's do.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";

const { PORT, DATABASE } = process.env;
const db = new DatabaseSync(String(DATABASE));
db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
db.exec("CREATE TABLE runs (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT");
const insert = db.prepare("INSERT INTO runs (body) VALUES (?)");
const begin = db.prepare("BEGIN IMMEDIATE");
const commit = db.prepare("COMMIT");

let waiting: { body: string; answer: (id: number | bigint) => void }[] = [];

function flush(): void {
  const batch = waiting;
  waiting = [];
  begin.run();
  const ids = batch.map(({ body }) => insert.run(body).lastInsertRowid);
  commit.run();
  for (const [index, id] of ids.entries()) batch[index]?.answer(id);
}

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (request.method !== "POST") return response.end();
    const body = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()));
    if (waiting.length === 0) setImmediate(flush);
    waiting.push({
      body,
      answer: (id) => {
        response.writeHead(202, { "content-type": "application/json" });
        response.end(JSON.stringify({ run_id: `run-${id}` }));
      },
    });
  });
}).listen(Number(PORT), "127.0.0.1");
