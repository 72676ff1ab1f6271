// The peer's application: the workflow runs in the process of its HTTP server, which is how DBOS is used.
import { createServer } from "node:http";
import { DBOS } from "@dbos-inc/dbos-sdk";

const RESULT = "x".repeat(300);

DBOS.setConfig({
  name: "kheish-bench",
  systemDatabaseUrl: process.env.DATABASE_URL,
  systemDatabasePoolSize: Number(process.env.POOL_SIZE),
  logLevel: "error",
});

const steps = DBOS.registerWorkflow(
  async (count) => {
    for (let step = 0; step < count; step++) await DBOS.runStep(async () => RESULT, { name: `step-${step}` });
    return count;
  },
  { name: "steps" },
);

await DBOS.launch();
createServer(async (request, response) => {
  try {
    const count = Number(new URL(request.url, "http://localhost").searchParams.get("steps") ?? 0);
    request.resume();
    if (request.method === "POST") await steps(count);
    response.end("{}");
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
