import { readFile } from "node:fs/promises";
import type { RunView } from "@kheish/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { follow } from "../support/follow.ts";
import { cliProcess, daemonOn, get, later, place, post, scratch, submit } from "../support/operator.ts";
import { OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { startPostgres } from "../support/postgres.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

const SECRET_WORDS = "words that nobody but the session shall read";

let receiver: OtlpReceiver;
const started: ServedDaemon[] = [];
beforeEach(async () => {
  receiver = await OtlpReceiver.start();
  // OpenTelemetry's exporter reads the process's own environment.
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint);
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const each of started.splice(0)) await each.remove();
  await receiver.stop();
});

async function serve(options: Partial<ServedOptions> = {}): Promise<ServedDaemon> {
  const daemon = await ServedDaemon.start({ store: "sqlite", otel: true, ...options });
  started.push(daemon);
  return daemon;
}

const shell = (command: string) => ({ tool_calls: [{ name: "bash", input: { command } }] });
const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);
const nanos = (span: ReceivedSpan) => [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)] as const;

describe("traces", () => {
  test("a run is one trace of its model calls and tool calls, by the GenAI conventions, without a word of content", async () => {
    const daemon = await serve({ permissionMode: "bypassPermissions" });
    const run = await submit(daemon, "s", [
      { text: SECRET_WORDS, ...shell(`echo ${SECRET_WORDS.replaceAll(" ", "-")}`) },
      { tool_calls: [{ name: "read_file", input: { path: "nowhere" } }] },
      { text: "done" },
    ]);
    const spans = await receiver.traceOf(run);
    const view = await get<RunView>(daemon, `/v1/runs/${run}`);
    expect(spans.map(({ name }) => name).sort()).toEqual([
      "chat script",
      "chat script",
      "chat script",
      "execute_tool bash",
      "execute_tool read_file",
      "invoke_agent",
    ]);
    const root = spans.find((span) => span.parentSpanId === undefined);
    expect(root?.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.provider.name": "simulator",
      "gen_ai.conversation.id": "s",
      "gen_ai.agent.id": view.agent_id,
      "gen_ai.usage.output_tokens": view.usage?.output_tokens,
      "kheish.run.id": run,
      "kheish.run.status": "completed",
    });
    expect(root?.resource).toMatchObject({
      "service.name": "kheish",
      "service.version": "0.1.0",
      "deployment.environment.name": "test",
    });
    expect(root?.status.code ?? 0).toBe(0);
    const [chat] = named(spans, "chat script");
    expect(chat).toMatchObject({
      kind: 3,
      attributes: { "gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": ["tool_calls"] },
    });
    expect(named(spans, "execute_tool bash")[0]?.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "bash",
      "gen_ai.tool.type": "function",
      "kheish.tool.effect": "once",
      "kheish.tool.attempt": 1,
    });
    expect(named(spans, "execute_tool read_file")[0]).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "tool_error" },
    });
    for (const span of spans) {
      const [start, end] = nanos(span);
      const [rootStart, rootEnd] = nanos(root ?? span);
      expect(span.parentSpanId ?? root?.spanId).toBe(root?.spanId);
      expect(start >= rootStart && end >= start && end <= rootEnd, span.name).toBe(true);
    }
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(receiver.raw.join()).not.toMatch(/words.that.nobody/);
    expect(receiver.headers[0]).toMatchObject({ url: "/v1/traces" });
  });

  test("a run that survives a restart is still one trace, and says so", async () => {
    const daemon = await serve();
    const run = await submit(daemon, "s", [shell("true"), { text: "done" }]);
    const waiting = async () => (await get<RunView>(daemon, `/v1/runs/${run}`)).pending_approvals ?? [];
    while ((await waiting()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await daemon.restart();
    const [request] = await waiting();
    const resolutions = [{ request_id: request?.id, behavior: "allow" }];
    await post(daemon, `/v1/runs/${run}/approvals`, { resolutions });
    const spans = await receiver.traceOf(run);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(named(spans, "chat script"), "one of them was made before the restart").toHaveLength(2);
    const root = spans.find((span) => span.parentSpanId === undefined);
    expect(root?.events.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["started", "waiting_for_approval", "approval_resolved"]),
    );
    expect(receiver.spans).toHaveLength(spans.length);
  });

  test("a failed run and its failed model calls carry the class of their error", async () => {
    const daemon = await serve();
    const run = await submit(daemon, "s", [{ error: { class: "invalid_request", message: SECRET_WORDS } }]);
    const spans = await receiver.traceOf(run);
    const root = spans.find((span) => span.parentSpanId === undefined);
    expect((await get<RunView>(daemon, `/v1/runs/${run}`)).status).toBe("failed");
    expect(root).toMatchObject({ status: { code: 2 }, attributes: { "kheish.run.status": "failed" } });
    expect(root?.attributes["error.type"]).toBeDefined();
    expect(receiver.raw.join()).not.toMatch(/words.that.nobody/);
  });

  test("a collector that does not answer holds up no run, and later runs are exported again", async () => {
    const daemon = await serve({ permissionMode: "bypassPermissions" });
    receiver.failing = 400;
    const lost = await submit(daemon, "s", [{ text: "done" }]);
    await follow(`${daemon.baseUrl}/v1/runs/${lost}/stream?until=terminal`).last;
    while (receiver.headers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    receiver.failing = undefined;
    const run = await submit(daemon, "s", [{ text: "done" }]);
    expect((await receiver.traceOf(run)).length).toBe(2);
  });

  test("of several daemons on one store the one that ended a run exports it, and no other", async () => {
    const server = await startPostgres();
    later(() => server.stop());
    const store = await server.createDatabase();
    const [one, other] = [await serve({ store }), await serve({ store })];
    const first = await submit(one, "s", [{ text: "done" }]);
    await receiver.traceOf(first);
    const second = await submit(other, "t", [{ text: "done" }]);
    await receiver.traceOf(second);
    await one.stop();
    await other.stop();
    const roots = receiver.spans.filter((span) => span.parentSpanId === undefined);
    expect(roots.map(({ attributes }) => attributes["kheish.run.id"])).toEqual([first, second]);
  });

  test("without the exporter's packages the flag is refused by name, and a variable alone is only warned about", async () => {
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith("@opentelemetry/exporter")) throw new Error("not installed");
        return next(name, context);
      } });`;
    vi.stubEnv("NODE_OPTIONS", `--import "data:text/javascript,${encodeURIComponent(hook)}"`);
    const at = await place(await scratch());
    const flags = ["--bind", "127.0.0.1:0", "--state-root", at.stateRoot, "--workspace-root", at.workspace];
    const refused = await cliProcess(["serve", ...flags, "--otel"]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("npm install @opentelemetry/exporter-trace-otlp-http"),
    ]);
    const daemon = await daemonOn(at);
    await daemon.stop();
    expect(await readFile(at.log, "utf8")).toContain(
      "OTEL_* names a collector, but traces need two more packages",
    );
  });

  test("nothing is exported unless it was asked for", async () => {
    const silent = await serve({ otel: false });
    const run = await submit(silent, "s", [{ text: "done" }]);
    await follow(`${silent.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
    await silent.stop();
    expect(receiver.headers).toEqual([]);
  });
});
