import { connect, type Socket } from "node:net";

/** A server may close a connection that was idle for some seconds, just when it is used again. */
const STALE_MS = 1_000;

interface Exchange {
  resolve: (body: string) => void;
  reject: (error: Error) => void;
}

/**
 * HTTP/1.1 over kept connections with next to no work per request: the load shares its cores with what it measures,
 * and a full client would cost more than the fastest side does.
 */
export class RawHttp {
  readonly #host: string;
  readonly #port: number;
  readonly #idle: Connection[] = [];

  constructor(baseUrl: string) {
    const { hostname, port } = new URL(baseUrl);
    this.#host = hostname;
    this.#port = Number(port);
  }

  /** The body of a 2xx answer. */
  async call(method: string, path: string, body = ""): Promise<string> {
    const connection = this.#take();
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}:${this.#port}\r\naccept: application/json\r\n`;
    const type = body === "" ? "" : "content-type: application/json\r\n";
    const text = `${head}${type}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const answer = await connection.exchange(text);
    this.#idle.push(connection);
    return answer;
  }

  /** The one used last, else a new one: what lies below it was idle for longer. */
  #take(): Connection {
    const last = this.#idle.pop();
    if (last?.isFresh) return last;
    for (const stale of [last, ...this.#idle.splice(0)]) stale?.close();
    return new Connection(connect({ host: this.#host, port: this.#port, noDelay: true }));
  }
}

/** One exchange at a time. */
class Connection {
  readonly #socket: Socket;
  #received = "";
  #current: Exchange | undefined;
  #usedAt = performance.now();
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#take(text));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  get isFresh(): boolean {
    return !this.#ended && performance.now() - this.#usedAt < STALE_MS;
  }

  exchange(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#current = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd === -1) return;
    const body = bodyOf(this.#received.slice(0, headEnd), this.#received.slice(headEnd + 4));
    if (body === undefined) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = "";
    this.#usedAt = performance.now();
    const exchange = this.#current;
    this.#current = undefined;
    if (status >= 200 && status < 300) exchange?.resolve(body);
    else exchange?.reject(new Error(`status ${status}: ${body.slice(0, 300)}`));
  }

  #fail(error: Error): void {
    this.#ended = true;
    this.#current?.reject(error);
    this.#current = undefined;
  }
}

/** Undefined while it is not all there. Read as Latin-1, so that a character is a byte. */
function bodyOf(head: string, rest: string): string | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return rest.length >= Number(length) ? rest : undefined;
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return "";
  return rest.endsWith("0\r\n\r\n") ? withoutChunkSizes(rest) : undefined;
}

function withoutChunkSizes(body: string): string {
  let text = "";
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    if (size === 0) return text;
    text += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
