import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@kheish/contract";

export interface ChatReply {
  /** 200 unless said otherwise. */
  status?: number;
  /** What the model says, or the error's message. */
  text: string;
}

/** A server that speaks OpenAI's chat dialect and says what a test wants, as often as it is asked. */
export class ChatProvider {
  /** Bearer tokens in the order in which they came. */
  readonly keys: string[] = [];
  /** What was asked, in the same order. */
  readonly requests: JsonObject[] = [];
  /** What is answered to whoever has shown this key. */
  answer: (key: string) => ChatReply | Promise<ChatReply> = () => ({ text: "Ok" });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (piece: string) => {
        body += piece;
      });
      request.on("end", () => {
        this.requests.push(JSON.parse(body === "" ? "{}" : body) as JsonObject);
        const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
        this.keys.push(key);
        void Promise.resolve(this.answer(key)).then((reply) => send(response, reply));
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

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Entries of a routes file: one route that takes its key from a slot. */
  route(routeId: string, slotId: string): string {
    return `[routes.${routeId}]
driver = "openai_compatible"
default_model = "local"
base_url = "${this.url}"
auth_ref = "${slotId}"
`;
  }
}

function send(response: ServerResponse, { status = 200, text }: ChatReply): void {
  if (status !== 200) {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: text, type: "test" } }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (delta: JsonObject, finish_reason: string | null) => {
    const choices = [{ index: 0, delta, finish_reason }];
    const data = { id: "c1", object: "chat.completion.chunk", model: "local", choices };
    response.write(`data: ${JSON.stringify(data)}\n\n`);
  };
  chunk({ role: "assistant", content: text }, null);
  chunk({}, "stop");
  response.end("data: [DONE]\n\n");
}
