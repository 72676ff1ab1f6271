import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  type Answer,
  fakeDaemon,
  inTurn,
  json,
  plain,
  problem,
} from "../../daemon/src/surface/cli/testing/fake-daemon.ts";
import {
  Kheish,
  KheishConnectionError,
  KheishError,
  type KheishOptions,
  KheishProblem,
  KheishProtocolError,
  KheishTimeout,
} from "../src/index.ts";
import { deserted } from "./support/deserted.ts";
import { TestMachine } from "./support/machine.ts";

const RUNS = "POST /v1/sessions/s/runs";
const RUN = "GET /v1/runs/run-1";
const view = { run_id: "run-1", session_id: "s", status: "queued" };
const submission = { params: { session_id: "s" }, body: { content: "hi" } };

async function clientOf(routes: Record<string, Answer>, options: KheishOptions = {}) {
  const daemon = await fakeDaemon(routes);
  const machine = new TestMachine();
  return { daemon, machine, kheish: new Kheish({ baseUrl: daemon.baseUrl, ...options }, machine) };
}

/** Breaks the connection after the request was read: nobody knows what became of it. */
const broken: Answer = (_request, response) => void response.destroy();
const late: Answer = () => undefined;
const keysOf = (daemon: { requests: { headers: Record<string, unknown> }[] }) =>
  daemon.requests.map(({ headers }) => headers["idempotency-key"]);

describe("where and as whom", () => {
  test("05-R93 the environment names the daemon and the token; options win; empty variables are none", async () => {
    const { daemon } = await clientOf({ "GET /v1/status": json({}) });
    const env = { KHEISH_BASE_URL: `${daemon.baseUrl}/`, KHEISH_TOKEN: "from-env" };
    await new Kheish({}, new TestMachine({ env })).api.status();
    await new Kheish({ token: "given" }, new TestMachine({ env })).api.status();
    await new Kheish(
      { baseUrl: daemon.baseUrl },
      new TestMachine({ env: { KHEISH_TOKEN: "" } }),
    ).api.status();
    expect(daemon.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer from-env",
      "Bearer given",
      undefined,
    ]);
    expect(new Kheish({}, new TestMachine({ env: { KHEISH_BASE_URL: "" } })).baseUrl).toBe(
      "http://127.0.0.1:4000",
    );
  });

  test("a token that is a function is asked at each request, so that a rotated one is taken up", async () => {
    let token = "old";
    const { daemon, kheish } = await clientOf({ "GET /v1/status": json({}) }, { token: () => token });
    await kheish.api.status();
    token = "new";
    await kheish.api.status();
    expect(daemon.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
  });

  test.each(["ftp://host", "nonsense", "http://user:pass@host"])("the base URL %s is refused", (baseUrl) => {
    expect(() => new Kheish({ baseUrl })).toThrow(KheishError);
  });

  test("a token that no header can carry is refused, and not shown", async () => {
    const { kheish } = await clientOf({}, { token: "secret\ntoken" });
    const error = await kheish.api.status().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KheishError);
    expect(String(error)).not.toContain("secret");
  });

  test("a token is in nothing that somebody prints", async () => {
    const { kheish } = await clientOf(
      { [RUN]: problem(401, "invalid_token", "no") },
      { token: "very-secret" },
    );
    const error = await kheish.runs.get("run-1").catch((thrown: unknown) => thrown);
    const run = await clientOf({ [RUN]: json(view) }, { token: "very-secret" });
    const printed = [kheish, error, await run.kheish.runs.get("run-1"), kheish.runs.stream("run-1")];
    for (const value of printed)
      expect(inspect(value, { depth: 9, showHidden: true })).not.toContain("very-secret");
  });

  test("no id turns into another path", async () => {
    const { kheish, daemon } = await clientOf({});
    for (const run_id of ["", ".", ".."])
      await expect(kheish.api.getRun({ params: { run_id } })).rejects.toThrow("is no run_id");
    expect(daemon.requests).toEqual([]);
  });
});

describe("refusals", () => {
  test("are problems with code, domain, status, detail, fields and the request's id", async () => {
    const refused: Answer = (request, response) => {
      response.setHeader("x-request-id", "r-1");
      return problem(404, "run_not_found", "no run 'run-1'", {
        domain: "runs",
        errors: [{ path: "/a", message: "is wrong" }],
      })(request, response);
    };
    const { kheish } = await clientOf({ [RUN]: refused });
    const error = await kheish.runs.get("run-1").catch((thrown: unknown) => thrown as KheishProblem);
    expect(error).toBeInstanceOf(KheishProblem);
    expect(error).toMatchObject({
      name: "KheishProblem",
      status: 404,
      code: "run_not_found",
      domain: "runs",
      detail: "no run 'run-1'",
      requestId: "r-1",
      message: "404 runs/run_not_found: no run 'run-1'\n  /a: is wrong",
    });
    const known = error as KheishProblem;
    expect(known.is("runs", "run_not_found")).toBe(true);
    expect(known.is("runs")).toBe(true);
    expect(known.is("runs", "run_state_conflict")).toBe(false);
    expect(known.is("sessions")).toBe(false);
  });

  test("of something else than the daemon are problems too, cut to what a log can bear", async () => {
    const { kheish } = await clientOf({ [RUN]: plain(`<h1>${"x".repeat(2_000)}`, 403) });
    const error = await kheish.runs.get("run-1").catch((thrown: unknown) => thrown as KheishProblem);
    expect(error).toMatchObject({ status: 403, code: "unknown", domain: undefined });
    expect((error as KheishProblem).detail).toHaveLength(500);
  });

  test("redirects are not followed: the token would go elsewhere", async () => {
    const away: Answer = (_request, response) =>
      void response.writeHead(302, { location: "/elsewhere" }).end();
    const { kheish, daemon } = await clientOf({ [RUN]: away }, { token: "t" });
    await expect(kheish.runs.get("run-1")).rejects.toThrow(KheishProtocolError);
    expect(daemon.requests).toHaveLength(1);
  });

  test("an answer that is no JSON is a protocol error", async () => {
    const { kheish } = await clientOf({ [RUN]: plain("hello") });
    await expect(kheish.runs.get("run-1")).rejects.toThrow(KheishProtocolError);
  });
});

describe("retries", () => {
  test("reads are repeated, with growing pauses, until the daemon is itself again", async () => {
    const { kheish, daemon, machine } = await clientOf({
      [RUN]: inTurn(
        broken,
        problem(503, "daemon_draining", "draining"),
        plain("bad gateway", 502),
        json(view),
      ),
    });
    expect((await kheish.runs.get("run-1")).id).toBe("run-1");
    expect(daemon.requests).toHaveLength(4);
    expect(machine.pauses).toEqual([250, 500, 1_000]);
  });

  test("a submission is repeated under the key of its first attempt, the next one has another", async () => {
    const { kheish, daemon } = await clientOf({ [RUNS]: inTurn(broken, plain("", 504), json(view, 202)) });
    await kheish.responses.create({ session: "s", prompt: "hi" });
    await kheish.responses.create({ session: "s", prompt: "hi" });
    expect(keysOf(daemon)).toEqual(["sdk-name-1", "sdk-name-1", "sdk-name-1", "sdk-name-2"]);
  });

  test("the caller's own key is taken, wherever it stands", async () => {
    const { kheish, daemon } = await clientOf({ [RUNS]: json(view, 202) });
    await kheish.responses.create({ session: "s", prompt: "hi", idempotencyKey: "mine" });
    await kheish.api.submitRun({ ...submission, body: { content: "hi", idempotency_key: "in body" } });
    expect(keysOf(daemon)).toEqual(["mine", undefined]);
  });

  test.each([
    ["a broken connection", broken],
    ["503", problem(503, "store_unavailable", "who knows")],
    ["504", plain("", 504)],
  ])("what has no key is not repeated after %s: it may have happened", async (_name, answer) => {
    const { kheish, daemon } = await clientOf({ "POST /v1/sessions/s/interrupt": answer });
    await expect(kheish.sessions.interrupt("s")).rejects.toThrow(KheishError);
    expect(daemon.requests).toHaveLength(1);
  });

  test("what has no key is repeated where it certainly did not happen: turned away, or no connection", async () => {
    const { kheish, daemon } = await clientOf({
      "POST /v1/sessions/s/interrupt": inTurn(problem(429, "too_many_requests", "slower"), json({})),
    });
    await kheish.sessions.interrupt("s");
    expect(daemon.requests).toHaveLength(2);

    const machine = new TestMachine();
    const nowhere = new Kheish({ baseUrl: await deserted(), maxRetries: 2 }, machine);
    const error = await nowhere.sessions.interrupt("s").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KheishConnectionError);
    expect(error).toMatchObject({ mayHaveArrived: false });
    expect(machine.pauses).toEqual([250, 500]);
  });

  test("a cancellation may be repeated: the second changes nothing", async () => {
    const { kheish, daemon } = await clientOf({
      [RUN]: json(view),
      "POST /v1/runs/run-1/cancel": inTurn(broken, json({ ...view, status: "cancelled" })),
    });
    const run = await kheish.runs.get("run-1");
    expect((await run.cancel()).status).toBe("cancelled");
    expect(daemon.requests).toHaveLength(3);
  });

  test("a daemon that wants to be left alone is, for as long as it says and no less", async () => {
    const busy =
      (after: string): Answer =>
      (request, response) => {
        response.setHeader("retry-after", after);
        return problem(429, "too_many_requests", "slower")(request, response);
      };
    const { kheish, machine } = await clientOf({ [RUN]: inTurn(busy("7"), json(view)) });
    await kheish.runs.get("run-1");
    expect(machine.pauses).toEqual([7_250]);

    const long = await clientOf({ [RUN]: busy("3600") });
    await expect(long.kheish.runs.get("run-1")).rejects.toMatchObject({
      status: 429,
      retryAfterMs: 3_600_000,
    });
    expect(long.daemon.requests).toHaveLength(1);
  });

  test("end after maxRetries, and a refusal is not retried at all", async () => {
    const { kheish, daemon } = await clientOf({
      [RUN]: plain("", 503),
      "GET /v1/runs/run-2": problem(500, "internal_error", "a defect"),
    });
    await expect(kheish.runs.get("run-1", { maxRetries: 2 })).rejects.toThrow(KheishProblem);
    expect(daemon.requests).toHaveLength(3);
    await expect(kheish.runs.get("run-2")).rejects.toThrow(KheishProblem);
    expect(daemon.requests).toHaveLength(4);
  });
});

describe("time and patience", () => {
  test("an attempt that takes too long is made again where that can do no harm", async () => {
    const { kheish, daemon, machine } = await clientOf({ [RUN]: inTurn(late, json(view)) });
    const got = kheish.runs.get("run-1", { timeoutMs: 20_000 });
    while (daemon.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await machine.runOut(20_000);
    expect((await got).id).toBe("run-1");
    expect(daemon.requests).toHaveLength(2);
  });

  test("a timeout says what was asked and for how long", async () => {
    const { kheish, machine } = await clientOf({ "POST /v1/sessions/s/end": late });
    const ended = kheish.sessions.end("s");
    void machine.runOut(60_000);
    const error = await ended.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KheishTimeout);
    expect(String(error)).toContain("POST /v1/sessions/s/end within 60000 ms");
    expect(machine.limits).toEqual([]);
  });

  test("endpoints that answer when the run settles have no time limit of their own", async () => {
    const { kheish, machine, daemon } = await clientOf({ "POST /v1/sessions/s/input": late });
    const leaving = new AbortController();
    const waiting = kheish.api.sessionInput({ ...submission, signal: leaving.signal });
    while (daemon.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(machine.limits).toEqual([]);
    leaving.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("an abort ends a request, and a pause between two, with the caller's reason", async () => {
    const before = new AbortController();
    before.abort(new Error("never mind"));
    const { kheish, daemon, machine } = await clientOf({ [RUN]: late });
    await expect(kheish.runs.get("run-1", { signal: before.signal })).rejects.toThrow("never mind");
    expect(daemon.requests).toEqual([]);

    const during = new AbortController();
    daemon.on(RUN, (_request, response) => void response.writeHead(503, { "retry-after": "20" }).end());
    const paused = kheish.runs.get("run-1", { signal: during.signal });
    while (!machine.limits.includes(20_250)) await new Promise((resolve) => setImmediate(resolve));
    during.abort(new Error("gone"));
    await expect(paused).rejects.toThrow("gone");
    expect(daemon.requests).toHaveLength(1);
  });
});

describe("the way out of the types", () => {
  test("05-R93 any request can be made; without a key only what reads is sent twice", async () => {
    const { kheish, daemon } = await clientOf({
      "GET /v1/newer": inTurn(broken, json({ new: true })),
      "POST /v1/newer": broken,
    });
    const answer = await kheish.raw({ path: "/v1/newer", query: { a: 1, b: undefined } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { new: true }]);
    expect(daemon.requests.at(-1)?.url).toBe("/v1/newer?a=1");
    await expect(kheish.raw({ method: "POST", path: "/v1/newer", body: {} })).rejects.toThrow(
      KheishConnectionError,
    );
    expect(daemon.requests).toHaveLength(3);
    await expect(
      kheish.raw({ method: "POST", path: "/v1/newer", body: {}, idempotencyKey: "k", maxRetries: 1 }),
    ).rejects.toThrow(KheishConnectionError);
    expect(daemon.requests).toHaveLength(5);
  });

  test("05-R93 an answer that is not text is the caller's to read, byte by byte; refusals and repeats are as everywhere", async () => {
    const bytes = Uint8Array.of(0x89, 0x50, 0xff, 0x00, 0xfe);
    const image: Answer = (_request, response) =>
      void response.writeHead(200, { "content-type": "image/png" }).end(bytes);
    const { kheish, daemon } = await clientOf(
      {
        "GET /v1/picture": inTurn(broken, image),
        "GET /v1/none": problem(404, "docs", "docs_page_not_found"),
      },
      { token: "secret" },
    );
    const response = await kheish.rawBody({ path: "/v1/picture" });
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(await response.bytes()).toEqual(bytes);
    expect(daemon.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer secret",
      "Bearer secret",
    ]);
    await expect(kheish.rawBody({ path: "/v1/none" })).rejects.toThrow(KheishProblem);
  });
});
