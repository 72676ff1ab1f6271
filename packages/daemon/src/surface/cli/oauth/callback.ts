import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../errors.ts";
import { LoginError } from "./ports.ts";

const PATH = "/callback";
const DONE = "You can close this page and go back to the terminal.\n";
const NOT_THIS = "This is not the login that is waiting here.\n";

/** Where a browser comes back to: one port of this machine, for as long as a login takes. */
export interface Callback {
  redirectUri: string;
  /** The URL that the browser was sent to; resolves with the first one that knows the login's `state` (02-R60). */
  answered(state: string): Promise<URL>;
  close(): void;
}

export async function openCallback(port: number): Promise<Callback> {
  const server = createServer();
  await listening(server, port);
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    redirectUri: `${origin}${PATH}`,
    answered: (state) =>
      new Promise((resolve) => {
        server.on("request", (request, response) => {
          const url = new URL(request.url ?? "/", origin);
          const isOurs =
            request.method === "GET" && url.pathname === PATH && isSame(url.searchParams.get("state"), state);
          response.writeHead(isOurs ? 200 : 400, {
            "content-type": "text/plain; charset=utf-8",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            connection: "close",
          });
          // Somebody else's request ends nothing: the login goes on waiting for its own.
          response.end(isOurs ? DONE : NOT_THIS, () => {
            if (isOurs) resolve(url);
          });
        });
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
  } catch (error) {
    throw new LoginError(`cannot wait for the browser on port ${port}: ${messageOf(error)}`);
  }
}

function isSame(given: string | null, expected: string): boolean {
  const [one, other] = [Buffer.from(given ?? ""), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
