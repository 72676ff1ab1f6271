import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import { problem } from "@kheish/contract";
import { assembleApp } from "../app.ts";
import { ServeConfigError } from "../config-error.ts";
import type { HttpOptions } from "../options.ts";
import { ProblemDesk } from "../response/problems.ts";
import { authority, type BindAddress, bareHost, baseUrlOf } from "../security/bind-address.ts";
import { DrainingServer } from "./draining-server.ts";
import { MAX_HEADER_BYTES, refuseUnreadable } from "./unreadable-request.ts";

export interface HttpServer {
  /** The address bound, without brackets. */
  readonly address: string;
  readonly port: number;
  /** What a client on this machine uses. */
  readonly baseUrl: string;
  /** Stops accepting, ends the streams, lets answers finish until the deadline, then cuts the rest off. */
  drain(deadlineMs: number): Promise<void>;
  /** The same without waiting. */
  close(): Promise<void>;
}

/** Longer than a proxy keeps a connection, so that it is the proxy who closes it. */
const KEEP_ALIVE_MS = 75_000;

/** A client that dribbles its request holds a connection no longer than this: 408. */
const HEADERS_MS = 30_000;
const REQUEST_MS = 300_000;

/** Serves the control plane; rejects with a `ServeConfigError` when these settings must not or cannot be served. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const { app, places } = assembleApp(options);
  const server = new DrainingServer({
    keepAlive: true,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The listener refuses a missing Host itself, with a problem document; Node would send an empty 400.
    requireHostHeader: false,
  });
  const desk = new ProblemDesk(options.logger, options.random, options.redact);
  server.on(
    "request",
    getRequestListener(app.fetch, { errorHandler: (error) => answerOutsideApp(error, desk) }),
  );
  server.on("clientError", (error, socket: Socket) =>
    refuseUnreadable(error, socket, server.isAnswering(socket)),
  );
  const { address, port } = await listen(server, options.bind);

  let drained: Promise<void> | undefined;
  const drain = () => {
    drained ??= server.drain();
    places.drain();
    return drained;
  };
  return {
    address,
    port,
    baseUrl: baseUrlOf(options.bind.host === "localhost" ? address : options.bind.host, port),
    async drain(deadlineMs) {
      const deadline = options.clock.schedule(deadlineMs, () => server.closeAllConnections());
      await drain();
      deadline.cancel();
    },
    async close() {
      const closed = drain();
      server.closeAllConnections();
      await closed;
    },
  };
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program does; stop it, or name another port with --bind (port 0 is any free one)",
  EADDRNOTAVAIL: "this machine has no such address; name one of its own with --bind",
  EACCES: "this user may not; ports below 1024 are root's, so name a higher one with --bind",
  ENOTFOUND: "there is no such host; name an address of this machine with --bind",
};

async function listen(server: DrainingServer, bind: BindAddress): Promise<AddressInfo> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(bind.port, bareHost(bind.host), () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = LISTEN_FAILURES[code];
    throw new ServeConfigError(
      `cannot listen on ${authority(bind.host, bind.port)} (${code})${why === undefined ? "" : `: ${why}`}`,
      { cause: error },
    );
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no TCP address");
  return address;
}

/** A request line or Host that no URL can be made of never reaches the app. */
function answerOutsideApp(error: unknown, desk: ProblemDesk): Response {
  const refused =
    error instanceof RequestError
      ? problem("api", "request_path_invalid", "the request target or the Host header is not valid")
      : desk.problemFor(error);
  return new Response(JSON.stringify(refused.toDetails()), {
    status: refused.status,
    headers: { "content-type": "application/problem+json", "x-content-type-options": "nosniff" },
  });
}
