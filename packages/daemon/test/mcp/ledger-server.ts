import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { acceptedContent, inputRequired, McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

/**
 * A server of the official SDK whose effects can be counted: each is a line of a ledger. It speaks 2026-07-28, or, when
 * told to, 2025-11-25 only; `end-on-probe` ends when it is asked which, as servers of other SDKs do.
 */
const [directory = ".", protocol = "modern"] = process.argv.slice(2);
const ledger = join(directory, "ledger");
const write = (line: string) => appendFileSync(ledger, `${line}\n`);

const HINTS = {
  read: { readOnlyHint: true },
  idempotent: { idempotentHint: true },
  once: { destructiveHint: true },
};
const FORM = {
  type: "object" as const,
  properties: { size: { type: "string" as const, title: "Size", enum: ["small", "large"] } },
  required: ["size"],
};

function build(): McpServer {
  const server = new McpServer({ name: "ledger", version: "1.0.0" });
  for (const [effect, annotations] of Object.entries(HINTS)) {
    // Does something that takes until the test lets it go on.
    server.registerTool(
      `work_${effect}`,
      { description: effect, inputSchema: z.object({ name: z.string() }), annotations },
      async ({ name }, context) => {
        const key = (context.mcpReq._meta as Record<string, unknown> | undefined)?.["kheish/idempotency-key"];
        write(`begin ${name} ${String(key)} ${process.pid}`);
        while (!existsSync(join(directory, "go"))) await new Promise((resolve) => setTimeout(resolve, 10));
        write(`end ${name}`);
        return { content: [{ type: "text", text: `did ${name}` }] };
      },
    );
    // Asks before it does something.
    server.registerTool(
      `order_${effect}`,
      { description: effect, inputSchema: z.object({ item: z.string() }), annotations },
      async ({ item }, context) => {
        const answer = acceptedContent<{ size: string }>(context.mcpReq.inputResponses, "size");
        if (answer === undefined && context.mcpReq.inputResponses !== undefined)
          return { content: [{ type: "text", text: "not ordered" }] };
        if (answer === undefined) {
          write(`asked ${item}`);
          return inputRequired({
            inputRequests: {
              size: inputRequired.elicit({ message: `Which ${item}?`, requestedSchema: FORM }),
            },
            requestState: `state of ${item}`,
          });
        }
        write(`ordered ${answer.size} ${item}`);
        return { content: [{ type: "text", text: `ordered ${answer.size} ${item}` }] };
      },
    );
  }
  return server;
}

if (protocol === "modern") serveStdio(build);
else {
  if (protocol === "end-on-probe") {
    process.stdin.once("data", (line: Buffer) => {
      if (line.includes("server/discover")) process.exit(1);
    });
  }
  await build().connect(new StdioServerTransport());
}
