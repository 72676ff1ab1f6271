import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json as readJson, text as readText } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** A request as the daemon got it. */
export interface SeenRequest {
  method: string;
  /** Path and query as they stood on the wire. */
  url: string;
  headers: IncomingMessage["headers"];
  body: unknown;
}

export type Answer = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

export interface FakeDaemon {
  baseUrl: string;
  requests: SeenRequest[];
  /** `GET /v1/runs/run-1`, without query; the newest answer for a route counts. */
  on(route: string, answer: Answer): void;
  /** Breaks every open connection, as a crash would. */
  dropConnections(): void;
}

/** A server that answers what a test tells it to; gone when the test is. */
export async function fakeDaemon(routes: Record<string, Answer> = {}): Promise<FakeDaemon> {
  const answers = new Map(Object.entries(routes));
  const requests: SeenRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const request = await seen(incoming);
    requests.push(request);
    const answer = answers.get(`${request.method} ${request.url.split("?")[0]}`) ?? unknownRoute;
    await answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    on: (route, answer) => void answers.set(route, answer),
    dropConnections: () => server.closeAllConnections(),
  };
}

async function seen(incoming: IncomingMessage): Promise<SeenRequest> {
  const { method = "", url = "", headers } = incoming;
  const isJson = headers["content-type"] === "application/json";
  const body = isJson ? await readJson(incoming) : await readText(incoming);
  return { method, url, headers, body };
}

const unknownRoute: Answer = (request, response) =>
  problem(404, "route_not_found", `no route ${request.method} ${request.url}`)(request, response);

export function json(body: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

export function plain(body: string, status = 200): Answer {
  return (_request, response) => void response.writeHead(status, { "content-type": "text/plain" }).end(body);
}

export function problem(status: number, code: string, detail: string, members: object = {}): Answer {
  const document = { type: `urn:kheish:problem:${code}`, title: "Problem", status, detail, code };
  return json({ ...document, ...members }, status);
}

/** One answer after the other; the last one stays. */
export function inTurn(...answers: Answer[]): Answer {
  let next = 0;
  return (request, response) => answers[Math.min(next++, answers.length - 1)]?.(request, response);
}

/** An event stream that sends these frames; `close` ends it, otherwise it stays open. */
export function events(frames: readonly string[], { close = false } = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    for (const sent of frames) response.write(sent);
    if (close) response.end();
  };
}

export function frame(event: string, data: object, id?: number): string {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return `${head}event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`;
}
