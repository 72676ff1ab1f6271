import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, Gate, succeeded, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();
const OUTPUT = "what nobody may read any more";

/** A run whose batch of tools is on its way. */
async function busy(...tools: { name: string; effect?: "read" | "once"; parallel?: boolean }[]) {
  const gate = new Gate();
  const rig = await createRig(
    tools.map(({ name, effect = "once", parallel = false }) =>
      testTool(name, { effect, allowsParallel: parallel, execute: gate.execute }),
    ),
  );
  const daemon = await rig.boot();
  const session = await TestSession.create(daemon);
  const run = await session.play([
    { tool_calls: tools.map(({ name }) => ({ name, input: {} })) },
    { text: "never" },
  ]);
  await until("the tools to begin", () => gate.begun.length > 0);
  const cancel = () => daemon.call("cancelRun", { params: { run_id: run.run_id } });
  return { gate, rig, daemon, session, run, cancel };
}

describe("cancelling a run", () => {
  test("01-R49: while the model streams: the call is aborted, its answer is never history", async () => {
    const aborted = Promise.withResolvers<void>();
    const late = Promise.withResolvers<void>();
    const model = new ScriptedModel(async (_request, { signal, onDelta }) => {
      onDelta?.({ part: "text", text: "half of" });
      signal.addEventListener("abort", () => aborted.resolve(), { once: true });
      await late.promise;
      return says("half of an answer");
    });
    const rig = await createRig([]);
    const daemon = await rig.boot({ models: model });
    const session = await TestSession.create(daemon);
    const run = await session.submit("go");
    await until("the model to be asked", () => model.requests.length === 1);
    const answer = await daemon.call("cancelRun", { params: { run_id: run.run_id } });
    expect(answer.json).toMatchObject({ status: "cancelled" });
    await aborted.promise;
    late.resolve();
    await pause();
    expect(await session.events("message_appended")).toEqual([]);
    expect(await session.run(run.run_id)).toMatchObject({ status: "cancelled" });
  });

  test("01-R49 03-R5: while a tool runs: it is told to stop, and its result is thrown away", async () => {
    const { gate, session, run, cancel } = await busy({ name: "slow" });
    await cancel();
    await until("the tool to be told", () => gate.begun[0]?.context.signal.aborted === true);
    gate.open(succeeded(OUTPUT));
    await pause();
    expect(await session.run(run.run_id)).toMatchObject({ status: "cancelled" });
    expect(JSON.stringify(await session.journal())).not.toContain(OUTPUT);
    expect((await session.journal()).at(-1)?.type).toBe("session_state_changed");
  });

  test("01-R49: a tool that does not stop when told holds up nobody for long", async () => {
    const { rig, daemon, session, cancel } = await busy({ name: "slow" });
    await cancel();
    const next = await session.submit("next");
    expect(next.status).toBe("running");
    await pause();
    await rig.clock.advance(2_000);
    expect(await session.reaches(next.run_id, "completed")).toMatchObject({ outputs: [{ content: "next" }] });
    expect(await daemon.runs()).toHaveLength(2);
  });

  test("01-R49: again is the same answer and no second event; after the end it is no conflict", async () => {
    const { session, run, cancel } = await busy({ name: "slow" });
    const once = await cancel();
    const journal = await session.journal();
    expect(await cancel()).toEqual(once);
    expect(await session.journal()).toEqual(journal);
    expect(journal.filter((event) => event.type === "cancelled")).toHaveLength(1);
    expect(run.run_id).toBe(once.json.run_id);
  });

  test("01-R49: while it waits for a yes: the request is closed with it", async () => {
    const rig = await createRig([testTool("bash")]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }]);
    const waiting = await session.reaches(run.run_id, "waiting_for_approval");
    await daemon.call("cancelRun", { params: { run_id: run.run_id } });
    const requestId = waiting.pending_approvals?.[0]?.id ?? "";
    await expect(
      session.resolve(run.run_id, { request_id: requestId, behavior: "allow" }),
    ).rejects.toMatchObject({
      code: "run_state_conflict",
    });
    expect(await daemon.store.count("approval", { index: "pending" })).toBe(0);
  });

  test("03-R5: every call of it has a result, so that the session can go on with any provider", async () => {
    const { gate, session, run, cancel } = await busy({ name: "slow" }, { name: "never_begun" });
    await cancel();
    gate.open();
    const results = (await session.events("tool_call_finished")).map(({ call_id, result, ledger }) => ({
      call_id,
      ledger,
      output: result.output,
      is_error: result.is_error,
    }));
    expect(results).toEqual([
      {
        call_id: "sim-0-0",
        ledger: "unknown",
        output: expect.objectContaining({ interrupted: true }),
        is_error: true,
      },
      {
        call_id: "sim-0-1",
        ledger: "denied",
        output: expect.objectContaining({ interrupted: true }),
        is_error: true,
      },
    ]);
    expect(await session.run(run.run_id)).toMatchObject({ status: "cancelled" });
  });

  test("03-R5: what the next run is shown pairs every call with a result, however the run before it ended", async () => {
    for (const ending of ["cancel", "interrupt"] as const) {
      const gate = new Gate();
      const tools = [testTool("slow", { execute: gate.execute }), testTool("bash"), askTool()];
      const rig = await createRig(tools);
      const model = new ScriptedModel((request) => {
        const asked = request.messages.filter((message) => message.role === "assistant").length;
        const name = ["slow", "bash", "ask_user_question"][asked];
        return name === undefined ? says("done") : callOnce(name, request.run_id);
      });
      const daemon = await rig.boot({ models: model });
      const session = await TestSession.create(daemon);
      for (const status of ["running", "waiting_for_approval", "waiting_for_user_question"] as const) {
        const { run_id } = await session.submit("go on");
        await session.reaches(run_id, status);
        if (status === "running") await until("the tool to begin", () => gate.begun.length > 0);
        if (ending === "cancel") await daemon.call("cancelRun", { params: { run_id } });
        else await session.call("interruptSession");
        gate.open();
        await pause();
      }
      const last = await session.submit("and now?");
      expect(await session.settled(last.run_id)).toMatchObject({ status: "completed" });
      expect(unpaired(model)).toEqual([]);
    }
  });

  test("01 weakness 4: what it used until then is accounted for", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("slow", { execute: gate.execute })]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const usage = { input_tokens: 1_000, output_tokens: 50 };
    const run = await session.play([{ tool_calls: [{ name: "slow", input: {} }], usage }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    await daemon.call("cancelRun", { params: { run_id: run.run_id } });
    const used = { input_tokens: 1_000, output_tokens: 50, model_calls: 1, tool_calls: 1 };
    expect((await session.run(run.run_id)).usage).toMatchObject(used);
    expect((await session.call("getSession")).json).toMatchObject({ usage: used });
  });

  test("01-R49: of several parallel calls none is heard after the end", async () => {
    const { gate, session, cancel } = await busy(
      { name: "one", parallel: true },
      { name: "two", parallel: true },
      { name: "three", parallel: true },
    );
    await until("all to begin", () => gate.begun.length === 3);
    gate.open(succeeded("in time"), 1);
    await until("the first result", async () => (await session.outputs()).length === 1);
    await cancel();
    gate.open(succeeded(OUTPUT));
    await pause();
    expect(gate.begun.slice(1).map(({ context }) => context.signal.aborted)).toEqual([true, true]);
    expect(JSON.stringify(await session.journal())).not.toContain(OUTPUT);
    expect((await session.outputs())[0]).toBe("in time");
  });
});

function callOnce(name: string, runId: string) {
  const part = { type: "tool_call" as const, id: `${name}-${runId}`, name, input: {} };
  return {
    ok: true as const,
    message: {
      role: "assistant" as const,
      parts: [part],
      route_id: "scripted",
      model: "big",
      finish_reason: "tool_calls" as const,
    },
  };
}

/** Calls the last request shows without a result right behind them. */
function unpaired(model: ScriptedModel): string[] {
  const { messages = [] } = model.requests.at(-1) ?? {};
  return messages.flatMap((message, index) => {
    if (message.role !== "assistant") return [];
    const next = messages[index + 1];
    const answered = new Set(next?.role === "tool" ? next.results.map((result) => result.call_id) : []);
    return message.parts.flatMap((part) =>
      part.type === "tool_call" && !answered.has(part.id) ? [part.id] : [],
    );
  });
}
