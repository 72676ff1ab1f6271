import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a server that can be cut: closed, so that everybody knows, or silent, so that nobody does. */
export class TcpProxy {
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  readonly #unheard = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #isSilent = false;

  constructor(target: string) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  /** Whole again; what waited in the silence goes on. */
  async open(): Promise<void> {
    this.#isSilent = false;
    for (const socket of this.#sockets) socket.resume();
    for (const socket of this.#unheard) this.#join(socket);
    this.#unheard.clear();
    if (this.#server !== undefined) return;
    const server = createServer((socket) => this.#take(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(this.#port, "127.0.0.1", resolve);
    });
    this.#server = server;
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Nothing is forwarded and nothing is closed. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Every connection ends and none is accepted. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of [...this.#sockets, ...this.#unheard]) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  #take(socket: Socket): void {
    socket.pause().on("error", () => undefined);
    if (!this.#isSilent) this.#join(socket);
    else this.#unheard.add(socket.once("close", () => this.#unheard.delete(socket)));
  }

  #join(client: Socket): void {
    const server = connect({ path: this.#target });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => undefined);
      from.on("data", (chunk) => void to.write(chunk));
      from.once("end", () => to.end());
      from.once("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.resume();
    }
  }
}
