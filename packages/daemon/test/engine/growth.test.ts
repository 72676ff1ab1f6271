import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Op, Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { occurrences } from "../support/database.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig } from "../support/rig.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

/** Bytes of what an operation puts into the store. */
function bytesOf(op: Op): number {
  if (op.op === "append") return Buffer.byteLength(JSON.stringify(op.events));
  return op.op === "put" || op.op === "enqueue" ? Buffer.byteLength(JSON.stringify(op)) : 0;
}

describe("01 weakness 5: the journal grows with what is new", () => {
  /** A run of so many steps; answers what each of them wrote. */
  async function written(steps: number, output: string, limits = {}) {
    const bytes: number[] = [];
    const commits: number[] = [];
    let turn = 0;
    const model = new ScriptedModel((request) => {
      if (request.kind === "compaction") return says("<summary>short</summary>");
      turn = request.turn;
      return request.turn < steps ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
    }, limits);
    const rig = await createRig([testTool("look", { execute: async () => succeeded(output) })]);
    const daemon = await rig.boot({
      models: model,
      wrap: (inner) =>
        around(inner, {
          commit: (ops, options) => {
            bytes[turn] = (bytes[turn] ?? 0) + ops.reduce((sum, op) => sum + bytesOf(op), 0);
            commits[turn] = (commits[turn] ?? 0) + 1;
            return inner.commit(ops, options);
          },
        }),
    });
    const session = await TestSession.create(daemon);
    const { run_id: runId } = await session.submit("go");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    return { rig, bytes, commits, session };
  }

  test("step 200 writes no more than step 20", async () => {
    const { bytes, commits } = await written(220, "x".repeat(500));
    const step = (n: number) => bytes[n] ?? 0;
    expect(commits.slice(20, 200).every((count) => count === commits[20])).toBe(true);
    expect(step(20)).toBeGreaterThan(500);
    // Turn numbers and offsets get a digit longer, nothing else does.
    expect(step(200)).toBeLessThan(step(20) + 50);
    expect(Math.max(...bytes.slice(20, 200))).toBeLessThan(step(20) + 50);
  });

  test("a cut of the prompt writes its summary and offsets, not what it cut", async () => {
    const output = "y".repeat(30_000);
    const { bytes, session } = await written(60, output, { context_tokens: 60_000 });
    const checkpoints = await session.events("checkpoint");
    expect(checkpoints.length).toBeGreaterThan(2);
    for (const checkpoint of checkpoints) expect(JSON.stringify(checkpoint).length).toBeLessThan(1_500);
    const largest = Math.max(...bytes.slice(1, 60));
    expect(largest).toBeLessThan(output.length + 5_000);
  });

  test("a run writes its outputs once, and little besides", async () => {
    const { bytes } = await written(20, "z".repeat(50_000));
    const total = bytes.reduce((sum, one) => sum + one, 0);
    expect(total).toBeLessThan(20 * 55_000);
  });
});

describe("no text is stored twice", () => {
  // The run's record shows the first 200 characters of its input (01, RunRequestSummary); the marker stands behind them.
  const long = (marker: string) => `${"word ".repeat(60)}${marker}`;
  const everywhere = (rig: Rig, marker: string) => occurrences(join(rig.directory, "kheish.db"), marker);
  const once = [{ table: "events", column: "data", times: 1 }];

  test("01 weakness 7: neither an input, nor an answer, nor a tool's input or output", async () => {
    const rig = await createRig([testTool("look", { execute: async () => succeeded(long("MARK-OUTPUT")) })]);
    const model = ScriptedModel.of([
      calls([{ name: "look", input: { text: long("MARK-TOOL-INPUT") } }]),
      says(long("MARK-ANSWER")),
    ]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const targets = ["one", "two", "three"].map((plugin) => ({ plugin, address: plugin }));
    const run = await session.submit(long("MARK-INPUT"), { reply_targets: targets, idempotency_key: "k" });
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect((await session.run(run.run_id)).outputs).toHaveLength(3);
    for (const marker of ["MARK-INPUT", "MARK-TOOL-INPUT", "MARK-OUTPUT", "MARK-ANSWER"]) {
      expect(everywhere(rig, marker), marker).toEqual(once);
    }
  });

  test("the search for it would find a text that is", async () => {
    const rig = await createRig([]);
    const session = await TestSession.create(await rig.boot());
    await session.submit("MARK-SHORT: stands in the preview, too");
    const found = everywhere(rig, "MARK-SHORT");
    expect(found.map(({ table }) => table).sort()).toEqual(["events", "records"]);
  });

  test("a queued input stands in its record while it waits, and in the journal from its start on", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("slow", { execute: gate.execute })]);
    const session = await TestSession.create(await rig.boot());
    const first = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }]);
    await session.submit(long("MARK-QUEUED"));
    expect(everywhere(rig, "MARK-QUEUED")).toEqual([{ table: "records", column: "data", times: 1 }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    gate.open();
    await session.settled(first.run_id);
    // The simulator said it again, as its answer.
    expect(everywhere(rig, "MARK-QUEUED")).toEqual([...once, ...once]);
  });

  test("what waits for approval is not copied into the request", async () => {
    const rig = await createRig([testTool("bash")]);
    const model = ScriptedModel.of([calls([{ name: "bash", input: { command: long("MARK-COMMAND") } }])]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const { run_id: runId } = await session.submit("go");
    const waiting = await session.reaches(runId, "waiting_for_approval");
    expect(JSON.stringify(waiting.pending_approvals)).toContain("MARK-COMMAND");
    expect(everywhere(rig, "MARK-COMMAND")).toEqual(once);
  });

  test("an output that is kept as a blob has only its preview in the journal", async () => {
    const text = `${"x".repeat(400_000)}MARK-END`;
    const rig = await createRig([testTool("loud", { execute: async () => succeeded(text) })]);
    const session = await TestSession.create(await rig.boot());
    const run = await session.play([{ tool_calls: [{ name: "loud", input: {} }] }, { text: "done" }]);
    await session.settled(run.run_id);
    expect(everywhere(rig, "MARK-END")).toEqual([]);
  });
});

describe("a session's history costs its next run nothing", () => {
  test("its start reads what is new, whatever earlier runs wrote, and the same again after a restart", async () => {
    let read = 0;
    const rig = await createRig([]);
    const counting = (inner: Store) =>
      around(inner, {
        readStream: async (stream, range) => {
          const events = await inner.readStream(stream, range);
          read += events.length;
          return events;
        },
      });
    const daemon = await rig.boot({ models: new ScriptedModel(() => says("yes")), wrap: counting });
    const session = await TestSession.create(daemon);
    const readBy = async () => {
      read = 0;
      await session.settled((await session.submit("go")).run_id);
      return read;
    };
    await readBy();
    const second = await readBy();
    for (let run = 0; run < 20; run++) await readBy();
    expect(await readBy(), "the twenty-third run reads as much as the second").toBe(second);

    await daemon.stop();
    const model = new ScriptedModel(() => says("yes"));
    const restarted = await rig.boot({ models: model });
    await new TestSession(restarted).submit("and now?");
    await restarted.settle();
    const [request] = model.requests;
    expect(request?.messages.length, "nothing of the history is missing").toBe(2 * 23 + 1);
  });

  test("a caller that waits for its run does not look again because of others", async () => {
    let looked = 0;
    const gate = new Gate();
    const rig = await createRig([testTool("wait", { execute: gate.execute })]);
    const daemon = await rig.boot({
      wrap: (inner) =>
        around(inner, {
          get: async (kind, id) => {
            if (kind === "run" && id === "run-1") looked += 1;
            return inner.get(kind, id);
          },
        }),
    });
    const waiting = await TestSession.create(daemon, "waits");
    const content = JSON.stringify({
      simulate: [{ tool_calls: [{ name: "wait", input: {} }] }, { text: "done" }],
    });
    const input = { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [] };
    const answer = waiting.call("sessionInput", input);
    await until("the tool to begin", () => gate.begun.length > 0);
    looked = 0;
    const others = await TestSession.create(daemon, "others");
    for (let run = 0; run < 10; run++)
      await others.reaches((await others.submit("hello")).run_id, "completed");
    expect(looked).toBe(0);
    gate.open(succeeded("through"));
    expect((await answer).json).toMatchObject({ outputs: [{ content: "done" }] });
  });
});
