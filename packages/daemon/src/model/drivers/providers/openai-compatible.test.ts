import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  answerOf,
  callThrough,
  continued,
  NOTE,
  requestOf,
  routeKit,
  testModels,
} from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "openai_compatible", model, baseUrl: `${wire.url}/v1`, more });

describe("openai_compatible", () => {
  const chunk = (delta: Json, finish_reason: string | null = null) => ({
    id: "c1",
    object: "chat.completion.chunk",
    model: "local",
    choices: [{ index: 0, delta, finish_reason }],
  });

  test("sends no key where none is configured", async () => {
    wire.plan({ events: [chunk({ content: "Ok" }), chunk({}, "stop")] });
    const kit = testModels(
      `[routes.main]\ndriver = "openai_compatible"\ndefault_model = "local"\nbase_url = "${wire.url}/v1"`,
    );
    const route = { route_id: "main", driver: "openai_compatible", model: "local" };
    const { outcome } = await callThrough(kit, requestOf(route, "go"));
    expect(answerOf(outcome).parts).toMatchObject([{ text: "Ok" }]);
    expect(wire.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("makes the ids of calls unique where a server numbers them anew", async () => {
    const call = (index: number) => ({
      index,
      id: "call_0",
      type: "function",
      function: { name: "note", arguments: "{}" },
    });
    const reply = { events: [chunk({ tool_calls: [call(0)] }), chunk({}, "tool_calls")] };
    wire.plan(reply, reply);
    const kit = kitOf("local");
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    const second = await callThrough(
      kit,
      requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }),
    );
    expect(answerOf(first.outcome).parts).toMatchObject([{ id: "call_0" }]);
    expect(answerOf(second.outcome).parts).toMatchObject([{ id: "call_0-1" }]);
  });
});
