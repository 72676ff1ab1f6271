import { connect, type Socket } from "node:net";
import { problem } from "@kheish/contract";
import { afterEach, describe, expect, it } from "vitest";
import type { Principal, SseFrame } from "../../../features/binding.ts";
import { SimulatedClock } from "../../../kernel/clock.ts";
import type { HttpOptions } from "../index.ts";
import { binding, requestRaw, startTestServer, streaming, type TestServer, until } from "../test-support.ts";
import { StreamPlaces } from "./stream-places.ts";

const OPERATOR: Principal = { id: "admin-token", access: "admin" };

let server: TestServer;
afterEach(() => server.close());
async function start(options: Partial<HttpOptions>) {
  server = await startTestServer(options);
}

/** Frames a test pushes one by one; remembers whether it was let go. */
class Source implements AsyncIterable<readonly SseFrame[]> {
  readonly #queue: SseFrame[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  returned = false;

  push(frame: SseFrame): void {
    this.#queue.push(frame);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly SseFrame[]> {
    return {
      next: async () => {
        while (this.#queue.length === 0 && !this.#ended)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        const value = this.#queue.splice(0);
        return value.length === 0 ? { done: true, value: undefined } : { done: false, value };
      },
      return: async () => {
        this.returned = true;
        return { done: true, value: undefined };
      },
    };
  }
}

/** A client that reads as a test tells it to. */
class Reader {
  readonly controller = new AbortController();
  text = "";
  ended = false;

  async open(path = "/v1/events/stream"): Promise<Response> {
    const response = await fetch(server.baseUrl + path, { signal: this.controller.signal });
    void this.#read(response);
    return response;
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) this.text += decoder.decode(chunk, { stream: true });
    } catch {
      // The test left.
    }
    this.ended = true;
  }

  async sees(text: string): Promise<void> {
    await until(() => this.text === text);
  }
}

const trace = (id: number): SseFrame => ({ id: String(id), event: "trace", data: { type: "trace", n: id } });
const traceText = (id: number) => `id: ${id}\nevent: trace\ndata: {"type":"trace","n":${id}}\n\n`;
const HEARTBEAT = 'event: heartbeat\ndata: {"type":"heartbeat"}\n\n';

describe("frames (01, SSE frames)", () => {
  it("opens at once, with headers that keep proxies from buffering", async () => {
    await start({ bindings: [streaming(() => new Source())] });
    const response = await new Reader().open();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      connection: "keep-alive",
      "x-content-type-options": "nosniff",
    });
  });

  it("sends id, event and data as one line each, and leaves out an absent id", async () => {
    const source = new Source();
    await start({ bindings: [streaming(() => source)] });
    const reader = new Reader();
    await reader.open();
    source.push({
      id: "18446744073709551615",
      event: "output",
      data: { type: "output", text: "a\nb\r\u2028é" },
    });
    source.push({ event: "output_delta", data: { type: "output_delta" } });
    await reader.sees(
      'id: 18446744073709551615\nevent: output\ndata: {"type":"output","text":"a\\nb\\r\u2028é"}\n\n' +
        'event: output_delta\ndata: {"type":"output_delta"}\n\n',
    );
  });

  it("are sent in their order, however many come together and however large they are", async () => {
    const frames = Array.from({ length: 500 }, (_, id) => ({
      id: String(id),
      event: "trace",
      data: { n: id, text: "x".repeat(id % 100 === 0 ? 100_000 : 300) },
    }));
    async function* together() {
      yield frames;
      yield frames.slice(0, 3);
    }
    await start({ bindings: [streaming(together)] });
    const reader = new Reader();
    await reader.open();
    await until(() => reader.ended);
    const text = ({ id, data }: (typeof frames)[number]) =>
      `id: ${id}\nevent: trace\ndata: ${JSON.stringify(data)}\n\n`;
    expect(reader.text).toBe([...frames, ...frames.slice(0, 3)].map(text).join(""));
  });

  it("ends the answer when the source ends", async () => {
    const source = new Source();
    await start({ bindings: [streaming(() => source)] });
    const reader = new Reader();
    await reader.open();
    source.push(trace(1));
    source.end();
    await until(() => reader.ended);
    expect(reader.text).toBe(traceText(1));
  });
});

describe("01-R63: heartbeats", () => {
  it("are sent soon after an opening without a frame, then after each 10 s of silence, without an id", async () => {
    await start({ bindings: [streaming(() => new Source())] });
    const reader = new Reader();
    await reader.open();
    await until(() => server.clock.nextDueAt() !== undefined);
    await server.clock.advance(249);
    expect(reader.text).toBe("");
    await server.clock.advance(1);
    await reader.sees(HEARTBEAT);
    await until(() => server.clock.nextDueAt() !== undefined);
    await server.clock.advance(9_999);
    expect(reader.text).toBe(HEARTBEAT);
    await server.clock.advance(1);
    await reader.sees(HEARTBEAT + HEARTBEAT);
  });

  it("wait for silence: a frame starts the count anew, and none is lost to a heartbeat", async () => {
    const source = new Source();
    await start({ bindings: [streaming(() => source)] });
    const reader = new Reader();
    await reader.open();
    source.push(trace(1));
    await reader.sees(traceText(1));
    await until(() => server.clock.nextDueAt() === server.clock.now() + 10_000);
    await server.clock.advance(9_000);
    expect(reader.text).toBe(traceText(1));
    await server.clock.advance(1_000);
    await reader.sees(traceText(1) + HEARTBEAT);
    source.push(trace(2));
    source.push(trace(3));
    await reader.sees(traceText(1) + HEARTBEAT + traceText(2) + traceText(3));
  });
});

describe("failures", () => {
  it("before the stream is returned are ordinary problems", async () => {
    const notFound = binding("runStream", async () => {
      throw problem("runs", "run_not_found", "no such run");
    });
    await start({ bindings: [notFound], maxStreams: 1 });
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await requestRaw(server, "GET /v1/runs/r1/stream");
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ code: "run_not_found" });
    }
  });

  it("after it are logged and end the stream", async () => {
    async function* broken() {
      yield [trace(1)];
      throw new Error("the journal is gone");
    }
    await start({ bindings: [streaming(broken)] });
    const reader = new Reader();
    await reader.open();
    await until(() => reader.ended);
    expect(reader.text).toBe(traceText(1));
    expect(server.log).toContainEqual(
      expect.objectContaining({ level: "error", message: "an event stream broke" }),
    );
  });

  it("to make JSON of a frame do the same", async () => {
    async function* unspeakable() {
      yield [{ event: "trace", data: { n: 1n } }];
    }
    await start({ bindings: [streaming(unspeakable)] });
    const reader = new Reader();
    await reader.open();
    await until(() => reader.ended);
    expect(server.log).toContainEqual(expect.objectContaining({ message: "an event stream broke" }));
  });
});

describe("a client that leaves", () => {
  it("aborts the request's signal and lets the source go, even while it waits", async () => {
    const source = new Source();
    let signal: AbortSignal | undefined;
    await start({
      bindings: [
        streaming((request) => {
          signal = request.signal;
          return source;
        }),
      ],
    });
    const reader = new Reader();
    await reader.open();
    reader.controller.abort();
    await until(() => signal?.aborted === true && source.returned);
    expect(server.clock.nextDueAt()).toBeUndefined();
  });
});

describe("backpressure", () => {
  async function stuckClient(): Promise<Socket> {
    const socket = connect(server.port, server.address);
    socket.pause();
    socket.write("GET /v1/events/stream HTTP/1.1\r\nhost: localhost\r\n\r\n");
    return socket;
  }

  it("stops fetching frames for a client that does not read", async () => {
    let produced = 0;
    const big = "x".repeat(256 * 1024);
    async function* flood() {
      for (;;) {
        produced += 1;
        await new Promise((resolve) => setImmediate(resolve));
        yield [{ event: "trace", data: { big } }];
      }
    }
    await start({ bindings: [streaming(flood)] });
    const socket = await stuckClient();
    let before = -1;
    while (before !== produced) {
      before = produced;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(produced).toBeLessThan(100);
    socket.resume();
    await until(() => produced > before + 5);
    socket.destroy();
  });

  it("sends no heartbeats into a connection that is full", async () => {
    async function* fill() {
      const big = "x".repeat(1024 * 1024);
      for (let frame = 0; frame < 64; frame++) yield [{ event: "trace", data: { big } }];
    }
    await start({ bindings: [streaming(fill)] });
    const socket = await stuckClient();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.clock.nextDueAt()).toBeUndefined();
    socket.destroy();
  });
});

describe("places", () => {
  it("are limited, and freed by a client that leaves", async () => {
    await start({ bindings: [streaming(() => new Source())], maxStreams: 2 });
    const first = new Reader();
    await first.open();
    await new Reader().open();
    const refused = await requestRaw(server, "GET /v1/events/stream");
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ domain: "api", code: "too_many_streams" });
    first.controller.abort();
    while ((await new Reader().open()).status !== 200);
  });

  it("are not held by HEAD", async () => {
    const source = new Source();
    await start({ bindings: [streaming(() => source)], maxStreams: 1 });
    for (let attempt = 0; attempt < 3; attempt++) {
      const answer = await requestRaw(server, "HEAD /v1/events/stream");
      expect(answer).toMatchObject({ status: 200, body: "" });
      expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    }
    expect(source.returned).toBe(true);
  });

  it("01-R99: are all left when the daemon drains, and none is given any more", () => {
    const places = new StreamPlaces({ total: 5, perPrincipal: 5 }, new SimulatedClock());
    const place = places.take(OPERATOR);
    places.drain();
    expect(place.signal.aborted).toBe(true);
    expect(() => places.take(OPERATOR)).toThrow(
      expect.objectContaining({ domain: "readiness", code: "daemon_draining" }),
    );
  });
});
