import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A provider that speaks the chat-completions protocol, answers late, and counts what reaches it: the one who knows how
 * many calls left, whatever the daemons believe. A process that is killed in between finds its call counted.
 */
export class WireDouble {
  readonly #server: Server;
  readonly #delayMs: (call: number) => number;
  calls = 0;

  private constructor(delayMs: (call: number) => number) {
    this.#delayMs = delayMs;
    this.#server = createServer((request, response) => {
      this.calls += 1;
      request.resume();
      const timer = setTimeout(() => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end(CHUNKS.map((chunk) => `data: ${chunk}\n\n`).join(""));
      }, this.#delayMs(this.calls));
      response.on("close", () => clearTimeout(timer));
    });
  }

  static async start(delayMs: (call: number) => number): Promise<WireDouble> {
    const double = new WireDouble(delayMs);
    await new Promise<void>((resolve) => double.#server.listen(0, "127.0.0.1", resolve));
    return double;
  }

  /** A routes file whose only route leads here. */
  get routes(): string {
    const { port } = this.#server.address() as AddressInfo;
    return [
      "version = 1",
      'default_route = "double"',
      "[routes.double]",
      'driver = "openai_compatible"',
      'default_model = "double-1"',
      'model_support = "any"',
      'api_key = "none"',
      `base_url = "http://127.0.0.1:${port}/v1"`,
    ].join("\n");
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const chunk = (choice: object, more: object = {}) =>
  JSON.stringify({
    ...{ id: "c", object: "chat.completion.chunk", created: 1, model: "double-1" },
    choices: [{ index: 0, ...choice }],
    ...more,
  });
const CHUNKS = [
  chunk({ delta: { role: "assistant", content: "done" }, finish_reason: null }),
  chunk(
    { delta: {}, finish_reason: "stop" },
    { usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 } },
  ),
  "[DONE]",
];
