import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  connect,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from "node:net";
import { onTestFinished } from "vitest";
import type { Network } from "../../src/governance/outbound/guarded-fetch.ts";

/** A public address that tests may use: nothing is ever sent there. */
export const PUBLIC = "93.184.215.14";
export const PUBLIC_V6 = "2606:4700:4700::1111";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The web as a daemon sees it: names with the addresses that a test gives them, and one server behind all of these
 * addresses, whichever was connected to. Sockets and HTTP are real.
 */
export class FakeWeb {
  /** What a name resolves to, each time it is asked for; several answers are given one after the other. */
  readonly names = new Map<string, string[][]>();
  readonly handlers = new Map<string, Handler>();
  /** Names that were resolved, in order. */
  readonly resolved: string[] = [];
  /** Addresses that a connection could have gone to, connection by connection. */
  readonly dialled: string[][] = [];
  /** `host path` of each request that arrived. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  readonly #open = new Set<Socket>();
  #port = 0;

  static async start(): Promise<FakeWeb> {
    const web = new FakeWeb();
    const listener: RequestListener = (request, response) => {
      const host = request.headers.host ?? "";
      web.requests.push(`${host} ${request.url}`);
      web.headers.push(request.headers);
      const handler = web.handlers.get(`${host}${request.url?.split("?")[0]}`);
      if (handler !== undefined) handler(request, response);
      else response.writeHead(404, { "content-type": "text/plain" }).end("no such page");
    };
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    web.#port = (server.address() as AddressInfo).port;
    onTestFinished(() => {
      for (const socket of web.#open) socket.destroy();
      server.closeAllConnections();
      server.close();
    });
    return web;
  }

  readonly network: Network = {
    resolve: async (host) => {
      this.resolved.push(host);
      const answers = this.names.get(host);
      const answer = (answers?.length ?? 0) > 1 ? answers?.shift() : answers?.[0];
      if (answer === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
      return answer;
    },
    connect: (options) => this.#dial(options),
  };

  /** A page of a public host. `url` without its scheme: `host/path`. */
  page(url: string, handler: Handler, addresses: string[] = [PUBLIC]): void {
    const host = url.split("/")[0]?.split(":")[0] ?? "";
    if (!this.names.has(host)) this.names.set(host, [addresses]);
    this.handlers.set(url, handler);
  }

  #dial({ host, lookup }: TcpNetConnectOpts & { lookup: LookupFunction }): Socket {
    // A literal address is connected to without asking anybody.
    lookup(host ?? "", { all: true }, (_error, found) => {
      this.dialled.push((found as { address: string }[]).map(({ address }) => address));
    });
    const socket = connect(this.#port, "127.0.0.1");
    this.#open.add(socket);
    return socket;
  }
}

export const text =
  (body: string, type = "text/plain"): Handler =>
  (_request, response) =>
    void response.writeHead(200, { "content-type": type }).end(body);

export const redirect =
  (location: string, status = 302): Handler =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();
