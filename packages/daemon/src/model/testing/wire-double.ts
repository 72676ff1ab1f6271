import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "@kheish/contract";

/** What the double does with one request, then with the next. */
export type WireReply =
  | { status: number; headers?: Record<string, string>; body: Json }
  /** Server-sent events; `after` the last the connection ends, breaks, or stays silent. */
  | { events: Json[]; after?: "end" | "break" | "silence" };

export interface WireRequest {
  path: string;
  headers: IncomingHttpHeaders;
  body: Json;
}

/** A provider that says exactly what it is told, for what the independent double cannot say. For tests only. */
export class WireDouble {
  readonly requests: WireRequest[] = [];
  readonly #replies: WireReply[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const body = text === "" ? null : (JSON.parse(text) as Json);
        this.requests.push({ path: request.url ?? "", headers: request.headers, body });
        send(
          response,
          this.#replies.shift() ?? { status: 500, body: { error: { message: "no reply left" } } },
        );
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Forgets what was asked and plans what to answer. */
  plan(...replies: WireReply[]): void {
    this.requests.length = 0;
    this.#replies.splice(0, this.#replies.length, ...replies);
  }
}

function send(response: ServerResponse, reply: WireReply): void {
  if ("status" in reply) {
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(JSON.stringify(reply.body));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  for (const event of reply.events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  if (reply.after === "break") setImmediate(() => response.destroy());
  else if (reply.after !== "silence") response.end();
}
