import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * An HTTP server that lets go of a connection when it owes it nothing more.
 * Node's own `close` counts a connection as idle as soon as its answer is written into the buffer,
 * and cuts off what a slow reader has not received yet.
 */
export class DrainingServer extends Server {
  /** Every connection, with the answers it still waits for. */
  readonly #owed = new Map<Socket, Set<ServerResponse>>();
  #draining = false;

  constructor(options: ServerOptions) {
    super(options);
    this.on("connection", (socket) => this.#welcome(socket));
    this.on("request", (request, response) => this.#owe(request, response));
  }

  /** Whether an answer is on its way to this connection. */
  isAnswering(socket: Socket): boolean {
    return (this.#owed.get(socket)?.size ?? 0) > 0;
  }

  /** Takes no new connection; resolves when the last one is gone. */
  drain(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.close(() => resolve()));
    for (const [socket, answers] of this.#owed) {
      for (const answer of answers) announceClose(answer);
      if (answers.size === 0) socket.destroySoon();
    }
    return closed;
  }

  /** Called by `close`; which connections are idle is decided above. */
  override closeIdleConnections(): void {}

  #welcome(socket: Socket): void {
    this.#owed.set(socket, new Set());
    socket.once("close", () => this.#owed.delete(socket));
  }

  #owe({ socket }: IncomingMessage, answer: ServerResponse): void {
    const answers = this.#owed.get(socket);
    answers?.add(answer);
    if (this.#draining) announceClose(answer);
    answer.once("close", () => {
      answers?.delete(answer);
      if (this.#draining && answers?.size === 0) socket.destroySoon();
    });
  }
}

/** Tells the client not to reuse the connection, while there still are headers to tell it in. */
function announceClose(answer: ServerResponse): void {
  if (!answer.headersSent) answer.shouldKeepAlive = false;
}
