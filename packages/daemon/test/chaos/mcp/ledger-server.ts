import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

/**
 * `ledger-server.ts LEDGER [PORT]`: an MCP server of the official SDK over standard streams, or over HTTP when it is given
 * a port. Each effect is a line of its ledger, and takes a while before and after: it can be killed on either side.
 */
const [ledger = "", port] = process.argv.slice(2);
const TAKES_MS = 25;
const HINTS = { look: { readOnlyHint: true }, upsert: { idempotentHint: true }, note: {} };

function build(): McpServer {
  const server = new McpServer({ name: "ledger", version: "1.0.0" });
  for (const [tool, annotations] of Object.entries(HINTS)) {
    server.registerTool(
      tool,
      { description: tool, inputSchema: z.object({ call: z.string() }), annotations },
      async ({ call }, { mcpReq }) => {
        const key = (mcpReq._meta as Record<string, unknown> | undefined)?.["kheish/idempotency-key"];
        await delay(TAKES_MS);
        appendFileSync(ledger, `${JSON.stringify({ tool, call, key, pid: process.pid })}\n`);
        await delay(TAKES_MS);
        return { content: [{ type: "text", text: `did ${call}` }] };
      },
    );
  }
  return server;
}

if (port === undefined) serveStdio(build);
else {
  const handler = createMcpHandler(build);
  createServer(getRequestListener((request) => handler.fetch(request))).listen(Number(port), "127.0.0.1");
}
