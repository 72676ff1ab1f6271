import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Dice } from "../dice.ts";

/** One model call, as it arrived. */
export interface ProviderCall {
  atMs: number;
  /** Whatever it was asked with. */
  key: string;
  /** The session that the prompt names. */
  session: string;
}

const ANSWERS_MS: [number, number] = [5, 120];
const SESSION = /of session ([\w-]+)/;

/** A provider that answers late and remembers who asked it with which key: what really left. */
export class GovernedProvider {
  readonly calls: ProviderCall[] = [];
  /** Calls whose answer somebody waited for to the end. */
  answered = 0;
  readonly #server: Server;

  private constructor(dice: Dice) {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", async () => {
        const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
        this.calls.push({ atMs: performance.now(), key, session: SESSION.exec(body)?.[1] ?? "" });
        await delay(dice.between(...ANSWERS_MS));
        if (!response.destroyed) this.answered += 1;
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end(CHUNKS.map((chunk) => `data: ${chunk}\n\n`).join(""));
      });
    });
  }

  static async start(dice: Dice): Promise<GovernedProvider> {
    const provider = new GovernedProvider(dice);
    await new Promise<void>((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
    return provider;
  }

  /** A routes file whose only route leads here, with its key in a slot. */
  routes(slot: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `[routes.governed]
driver = "openai_compatible"
default_model = "governed-1"
base_url = "http://127.0.0.1:${port}/v1"
auth_ref = "${slot}"
`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const chunk = (delta: object, finish_reason: string | null) =>
  JSON.stringify({
    id: "c",
    object: "chat.completion.chunk",
    model: "governed-1",
    choices: [{ index: 0, delta, finish_reason }],
  });
const CHUNKS = [chunk({ role: "assistant", content: "done" }, null), chunk({}, "stop"), "[DONE]"];
