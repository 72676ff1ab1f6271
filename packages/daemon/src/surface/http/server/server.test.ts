import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ok } from "../../../features/binding.ts";
import type { HttpOptions } from "../index.ts";
import { ServeConfigError } from "../index.ts";
import {
  binding,
  echo,
  parseAnswer,
  requestRaw,
  sendRaw,
  startTestServer,
  streaming,
  type TestServer,
  until,
} from "../test-support.ts";

let server: TestServer;
afterEach(() => server.close());
async function start(options: Partial<HttpOptions>) {
  server = await startTestServer(options);
}

const GET = "GET /v1/sessions/s1 HTTP/1.1\r\nhost: localhost\r\n\r\n";

/** A binding that answers when the test says so. */
function held() {
  const gate = Promise.withResolvers<void>();
  const state = { asked: 0, aborted: false, release: gate.resolve };
  const held = binding("getSession", async (request) => {
    state.asked += 1;
    request.signal.addEventListener("abort", () => {
      state.aborted = true;
    });
    await gate.promise;
    return ok({ answered: true });
  });
  return { held, state };
}

describe("startHttpServer", () => {
  it("tells where it listens", async () => {
    await start({ bind: { host: "localhost", port: 0 } });
    expect(server.baseUrl).toMatch(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/);
    expect((await fetch(`${server.baseUrl}/healthz`)).status).toBe(200);
  });

  it("refuses a port that is taken, by name", async () => {
    await start({});
    const taken = startTestServer({ bind: { host: "127.0.0.1", port: server.port } });
    await expect(taken).rejects.toThrow(ServeConfigError);
    await expect(taken).rejects.toThrow(`cannot listen on 127.0.0.1:${server.port} (EADDRINUSE)`);
  });

  it("serves several requests on one connection", async () => {
    await start({ bindings: [echo("getSession")] });
    const text = await sendRaw(server, GET + GET.replace("host", "connection: close\r\nhost"));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});

describe("a caller that leaves", () => {
  it("aborts its request, and what fails because of that is no incident", async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const waiting = binding("getSession", async ({ signal }) => {
      asked.resolve(signal);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("aborted");
    });
    await start({ bindings: [waiting] });
    const controller = new AbortController();
    const answer = fetch(`${server.baseUrl}/v1/sessions/s1`, { signal: controller.signal }).catch(
      () => "left",
    );
    await asked.promise;
    controller.abort();
    expect(await answer).toBe("left");
    await until(() => server.log.length > 0);
    expect(server.log).toMatchObject([{ level: "debug", fields: { status: 499 } }]);
  });
});

describe("drain (01-R99, 02-R97)", () => {
  it("lets a request in flight finish and refuses new connections", async () => {
    const { held: slow, state } = held();
    await start({ bindings: [slow] });
    const answer = fetch(`${server.baseUrl}/v1/sessions/s1`);
    await until(() => state.asked === 1);
    let done = false;
    const drained = server.drain(60_000).then(() => {
      done = true;
    });
    await expect(fetch(`${server.baseUrl}/healthz`)).rejects.toThrow();
    expect(done).toBe(false);
    state.release();
    const response = await answer;
    expect(await response.json()).toEqual({ answered: true });
    expect(response.headers.get("connection")).toBe("close");
    await drained;
    expect(state.aborted).toBe(false);
  });

  it("cuts off at the deadline what has not finished, and tells the binding", async () => {
    const { held: slow, state } = held();
    await start({ bindings: [slow] });
    const answer = fetch(`${server.baseUrl}/v1/sessions/s1`).catch(() => "cut off");
    await until(() => state.asked === 1);
    const drained = server.drain(5_000);
    await server.clock.advance(4_999);
    expect(state.aborted).toBe(false);
    await server.clock.advance(1);
    await drained;
    expect(await answer).toBe("cut off");
    await until(() => state.aborted);
    state.release();
  });

  it("does not wait for connections that are only kept alive", async () => {
    await start({ bindings: [echo("getSession")] });
    const socket = connect(server.port, server.address);
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.write(GET);
    await until(() => received.includes("session_id"));
    await server.drain(60_000);
    expect(server.clock.nextDueAt()).toBeUndefined();
  });

  it("ends event streams at once, cleanly", async () => {
    async function* endless() {
      yield [{ event: "trace", data: { type: "trace" } }];
      await new Promise(() => {});
    }
    await start({ bindings: [streaming(endless)] });
    const response = await fetch(`${server.baseUrl}/v1/events/stream`);
    const text = response.text();
    await server.drain(60_000);
    expect(await text).toBe('event: trace\ndata: {"type":"trace"}\n\n');
  });

  it("lets a slow reader have the whole of an answer that is under way", async () => {
    const payload = "x".repeat(32 * 1024 * 1024);
    await start({ bindings: [binding("getSession", async () => ok({ payload }))] });
    const socket = connect(server.port, server.address);
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received === chunk.length) socket.pause();
    });
    socket.write(GET);
    await until(() => received > 0);
    const drained = server.drain(60_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.resume();
    await drained;
    await until(() => received > payload.length);
  });

  it("cuts off an event stream whose client is stuck", async () => {
    async function* flood() {
      const big = "x".repeat(1024 * 1024);
      for (;;) yield [{ event: "trace", data: { big } }];
    }
    await start({ bindings: [streaming(flood)] });
    const socket = connect(server.port, server.address);
    const gone = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET /v1/events/stream HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const drained = server.drain(5_000);
    await server.clock.advance(5_000);
    await drained;
    socket.resume();
    await gone;
  });

  it("may be asked for twice, and closed meanwhile", async () => {
    const { held: slow, state } = held();
    await start({ bindings: [slow] });
    const answer = fetch(`${server.baseUrl}/v1/sessions/s1`).catch(() => "cut off");
    await until(() => state.asked === 1);
    const drains = [server.drain(60_000), server.drain(60_000)];
    await server.close();
    await Promise.all(drains);
    expect(await answer).toBe("cut off");
    state.release();
  });
});

describe("bytes that are no request", () => {
  it.each([
    ["nonsense", "nonsense\r\n\r\n", 400],
    ["a target that is no path", "GET nonsense HTTP/1.1\r\nhost: localhost\r\n\r\n", 400],
    ["too many headers", `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(70_000)}\r\n\r\n`, 431],
    [
      "two lengths",
      "POST /v1/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
      400,
    ],
  ])("%s is answered with a problem document", async (_what, text, status) => {
    await start({});
    const answer = parseAnswer(await sendRaw(server, text));
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("connection")).toBe("close");
    expect(answer.body).toMatchObject({ status, type: expect.stringMatching(/^urn:kheish:problem:/) });
  });

  it("a request without a Host is refused the same way", async () => {
    await start({});
    const answer = parseAnswer(await sendRaw(server, "GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n"));
    expect(answer).toMatchObject({ status: 400, body: { code: "request_path_invalid" } });
  });

  it("an upgrade nobody offers is an ordinary request", async () => {
    await start({});
    const answer = await requestRaw(server, "GET /v1/events/stream", {
      connection: "close, upgrade",
      upgrade: "websocket",
    });
    expect(answer.status).toBe(404);
  });

  it("a Host no URL can have is a refused request", async () => {
    await start({ auth: { mode: "bearer", adminToken: "t" } });
    const answer = await requestRaw(server, "GET /healthz", { host: "a b" });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });
});
