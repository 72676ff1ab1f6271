import { connect } from "node:net";
import type { EndpointId } from "@kheish/contract";
import type { Binding, BoundRequest, SseFrame } from "../../features/binding.ts";
import { bind, ok } from "../../features/binding.ts";
import { SimulatedClock } from "../../kernel/clock.ts";
import { systemRandom } from "../../kernel/random.ts";
import { type HttpOptions, type HttpServer, type SecurityEvent, startHttpServer } from "./index.ts";

export interface LogLine {
  level: string;
  fields: Readonly<Record<string, unknown>>;
  message: string;
}

export interface TestServer extends HttpServer {
  clock: SimulatedClock;
  log: LogLine[];
  securityEvents: SecurityEvent[];
  /** What `readFile` finds. */
  files: Map<string, string>;
}

/** The real server on a free loopback port, with a clock and a file system the test owns. */
export async function startTestServer(overrides: Partial<HttpOptions> = {}): Promise<TestServer> {
  const clock = new SimulatedClock();
  const log: LogLine[] = [];
  const securityEvents: SecurityEvent[] = [];
  const files = new Map<string, string>();
  const logAt = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    log.push({ level, fields, message });
  };
  const server = await startHttpServer({
    bind: { host: "127.0.0.1", port: 0 },
    bindings: [],
    auth: { mode: "auto" },
    cors: { allowedOrigins: [] },
    readFile: async (path) => {
      const content = files.get(path);
      if (content === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
      return content;
    },
    logger: { debug: logAt("debug"), info: logAt("info"), warn: logAt("warn"), error: logAt("error") },
    clock,
    random: systemRandom,
    readiness: () => true,
    onSecurityEvent: (event) => securityEvents.push(event),
    ...overrides,
  });
  return { ...server, clock, log, securityEvents, files };
}

/** A binding that answers with what it was given. */
export function echo(endpoint: EndpointId): Binding {
  return bind(endpoint, async (request) => {
    const { signal: _signal, ...seen } = request;
    return ok(seen);
  });
}

/** A binding whose handler the test writes. */
export function binding(endpoint: EndpointId, handle: Binding["handle"]): Binding {
  return { endpoint, handle };
}

/** A binding of the daemon-wide event stream. */
export function streaming(frames: (request: BoundRequest) => AsyncIterable<readonly SseFrame[]>): Binding {
  return binding("eventsStream", async (request) => ({ status: 200, stream: frames(request) }));
}

/** Sends exactly these bytes and answers all that comes back until the server ends the connection. */
export function sendRaw(server: HttpServer, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.address);
    const received: Uint8Array[] = [];
    socket.on("data", (chunk) => received.push(Buffer.from(chunk)));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(received).toString("utf8")));
    socket.write(text);
  });
}

export interface RawAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** One request whose target no URL parser has touched. */
export async function requestRaw(
  server: HttpServer,
  line: string,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const all = { host: `127.0.0.1:${server.port}`, connection: "close", ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return parseAnswer(await sendRaw(server, `${line} HTTP/1.1\r\n${head.join("")}\r\n`));
}

export function parseAnswer(text: string): RawAnswer {
  const [head = "", body = ""] = text.split("\r\n\r\n", 2);
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const json = headers.get("content-type")?.includes("json") === true && body !== "";
  return { status: Number(statusLine.split(" ")[1]), headers, body: json ? JSON.parse(body) : body };
}

/** Waits for `condition`, which sockets and promises are about to make true. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("the condition did not come true");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
