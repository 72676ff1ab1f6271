import type { RunPrompt } from "@kheish/contract";
import { expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();

const promptOf = (daemon: RiggedDaemon, run_id: string, turn: number | string) =>
  daemon.call("runPrompt", { params: { run_id, turn: String(turn) } });

test("the prompt of each turn is rebuilt as it was sent, through compactions, steps and an earlier run", async () => {
  const model = new ScriptedModel(
    (request) => {
      if (request.kind === "compaction") return says("<summary>We looked.</summary>");
      return request.turn < 9 ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
    },
    { context_tokens: 20_000 },
  );
  const rig = await createRig([testTool("look", { execute: async () => succeeded("x".repeat(2_600)) })]);
  const daemon = await rig.boot({ models: model });
  const session = await TestSession.create(daemon);
  await session.settled((await session.submit("what came before")).run_id);
  const { run_id } = await session.submit("what it is all about");
  await session.settled(run_id);
  const sent = model.requests.filter((request) => request.kind === "turn" && request.run_id === run_id);
  expect(sent).toHaveLength(10);
  expect(JSON.stringify(sent.at(-1)?.messages), "one of them came after a compaction").toContain(
    "We looked.",
  );
  for (const request of sent) {
    const { json } = await promptOf(daemon, run_id, request.turn);
    expect(json).toEqual({
      run_id,
      turn: request.turn,
      route_id: request.route.route_id,
      model: request.model,
      answered: true,
      system: request.system,
      messages: request.messages,
      tools: request.tools,
      as_of_now: ["system", "tools"],
    });
  }
});

test("a turn that has no answer yet is rebuilt as it stands; it names the model that the run fell back to", async () => {
  const model = new ScriptedModel((request) =>
    request.model === "big" ? fails("server_overloaded") : new Promise(() => {}),
  );
  const rig = await createRig([]);
  const daemon = await rig.boot({ models: model });
  const session = await TestSession.create(daemon);
  const { run_id } = await session.submit("hello", { generation: { fallback_model: "small" } });
  await expect.poll(() => model.requests.length).toBe(2);
  const prompt = (await promptOf(daemon, run_id, 0)).json as unknown as RunPrompt;
  expect(prompt).toMatchObject({ answered: false, model: "small", messages: model.requests[1]?.messages });
  for (const turn of [1, "x", "-1", "1.5"])
    await expect(promptOf(daemon, run_id, turn)).rejects.toMatchObject({ code: "run_turn_not_found" });
  await expect(promptOf(daemon, "run-99", 0)).rejects.toMatchObject({ code: "run_not_found" });
});
