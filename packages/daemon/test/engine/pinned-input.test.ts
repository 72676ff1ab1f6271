import { afterEach, expect, test } from "vitest";
import { recorded, sessionStream, type Tool } from "../../src/engine/index.ts";
import { createRig, type Rig, type RiggedDaemon } from "../support/rig.ts";

const STEPS = 40;
/** About 7,600 padded tokens each: the prompt outgrows its budget of 120,000 several times. */
const OUTPUT = "lorem ipsum ".repeat(1_700);

let rig: Rig;
afterEach(() => rig.cleanup());

const bulky: Tool = {
  name: "bulky",
  description: "answers at length",
  input_schema: { type: "object" },
  effect: "read",
  timeoutMs: 1_000,
  sandbox: "inherited",
  allowsParallel: true,
  parse: (input) => ({ ok: true, input }),
  execute: async () => ({ kind: "result", output: OUTPUT, is_error: false }),
};

async function submit(daemon: RiggedDaemon): Promise<void> {
  const simulate = [
    ...Array.from({ length: STEPS }, (_, n) => ({ tool_calls: [{ name: "bulky", input: { n } }] })),
    { text: "all {{turn}} done" },
  ];
  const body = {
    content: JSON.stringify({ simulate }),
    input_items: [],
    attachments: [],
    binding_keys: [],
    reply_targets: [],
  };
  await daemon.call("createSession", { body: { session_id: "long" } });
  await daemon.call("submitRun", { params: { session_id: "long" }, body });
}

test("01-R78 the input of the active run survives every cut of the prompt, also when another daemon folds it", async () => {
  rig = await createRig(() => [bulky]);
  const first = await rig.boot();
  await submit(first);
  for (let checkpoints = 0; checkpoints < 2; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const events = (await first.store.readStream(sessionStream("long"), {})).map(recorded);
    checkpoints = events.filter((event) => event.type === "checkpoint").length;
  }
  await first.stop();
  const second = await rig.boot();
  await second.settle();

  const [run] = await second.runs();
  expect(run?.status).toBe("completed");
  expect(run?.usage?.tool_calls).toBe(STEPS);
  expect(run?.outputs?.[0]?.content).toBe(`all ${STEPS} done`);
  const events = (await second.store.readStream(sessionStream("long"), {})).map(recorded);
  const cuts = events.filter((event) => event.type === "compaction_boundary").length;
  expect(cuts).toBeGreaterThan(2);
  expect(cuts, "a cut frees enough to last for several turns").toBeLessThan(STEPS / 3);
});
