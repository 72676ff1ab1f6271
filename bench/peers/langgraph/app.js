// The peer's application: a graph of ten nodes in the process of its HTTP server, checkpointed after each node.
import { createServer } from "node:http";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import pg from "pg";

const RESULT = "x".repeat(300);
const STEPS = 10;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: Number(process.env.POOL_SIZE) });
const checkpointer = new PostgresSaver(pool);
await checkpointer.setup();

const names = Array.from({ length: STEPS }, (_, step) => `step${step}`);
/** Each node writes a channel of its own, so that a checkpoint stores the result of its step and no other anew. */
const channels = Object.fromEntries(names.map((name) => [`${name}_result`, Annotation()]));
const graph = names
  .reduce(
    (builder, name) => builder.addNode(name, async () => ({ [`${name}_result`]: RESULT })),
    new StateGraph(Annotation.Root({ ...channels, started: Annotation() })),
  )
  .addEdge(START, names[0]);
for (const [step, name] of names.entries()) graph.addEdge(name, names[step + 1] ?? END);
const compiled = graph.compile({ checkpointer });

let threads = 0;
const process_id = process.pid;
createServer(async (request, response) => {
  try {
    request.resume();
    if (request.method === "POST") {
      const configurable = { thread_id: `${process_id}-${threads++}` };
      await compiled.invoke({ started: true }, { configurable, durability: "sync" });
    }
    response.end("{}");
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(Number(process.env.PORT), "127.0.0.1");
