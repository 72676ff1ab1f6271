import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

/** More tools than any model could be told of, even one after the other. */
export const MAX_TOOLS = 2_000;
const MAX_CHARS = 8 * 1024 * 1024;

const LIST = "tools/list";
/** JSON-RPC leaves these to whoever implements it. */
const REFUSED = -32_000;

/**
 * Ends the listing of a server's tools where it is more than anybody needs: pages are put together before anybody sees
 * them, and there may be as many as a server likes. In the place of the page too many the client is told that it failed.
 */
export function limitLists(transport: Transport): void {
  const budget = new ListBudget();
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    budget.asked(message);
    return send(message, options);
  };
  let deliver: Transport["onmessage"];
  Object.defineProperty(transport, "onmessage", {
    configurable: true,
    get: (): Transport["onmessage"] => {
      const to = deliver;
      return to && ((message, extra) => to(budget.judged(message), extra));
    },
    set: (to: Transport["onmessage"]) => {
      deliver = to;
    },
  });
}

class ListBudget {
  readonly #asked = new Set<string | number>();
  #tools = 0;
  #chars = 0;

  asked(message: JSONRPCMessage): void {
    if (!("method" in message) || message.method !== LIST || !("id" in message)) return;
    this.#asked.add(message.id as string | number);
    if ((message.params as { cursor?: unknown } | undefined)?.cursor !== undefined) return;
    this.#tools = 0;
    this.#chars = 0;
  }

  judged(message: JSONRPCMessage): JSONRPCMessage {
    const { id, result } = (message ?? {}) as { id?: string | number; result?: { tools?: unknown } };
    if (id === undefined || !this.#asked.delete(id)) return message;
    this.#tools += Array.isArray(result?.tools) ? result.tools.length : 0;
    this.#chars += JSON.stringify(result ?? null).length;
    if (this.#tools <= MAX_TOOLS && this.#chars <= MAX_CHARS) return message;
    const why = `the server lists more than ${MAX_TOOLS} tools, or ${MAX_CHARS} characters of them`;
    return { jsonrpc: "2.0", id, error: { code: REFUSED, message: why } };
  }
}
