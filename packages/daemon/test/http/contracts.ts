import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { say, script } from "./support/script.ts";

const SCHEMA = {
  type: "object",
  properties: { n: { type: "integer" } },
  required: ["n"],
  additionalProperties: false,
};

export function contracts(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R32: GET answers the contract, or null", async () => {
    const session_id = await fixture.session();
    expect(await api.call("getInputContract", at(session_id))).toBeNull();
    expect(await api.call("getOutputContract", at(session_id))).toBeNull();
    await api.call("putInputContract", { ...at(session_id), body: { schema: SCHEMA } });
    await api.call("putOutputContract", {
      ...at(session_id),
      body: { schema: SCHEMA, max_repair_attempts: 99 },
    });
    expect(await api.call("getInputContract", at(session_id))).toEqual({ schema: SCHEMA });
    expect(await api.call("getOutputContract", at(session_id))).toEqual({
      schema: SCHEMA,
      max_repair_attempts: 5,
    });
    const lost = await api.refusal("getInputContract", at("nobody"));
    expect(lost).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
  });

  test.each([
    ["putInputContract", "input_contract_schema_unsupported"],
    ["postOutputContract", "output_contract_schema_unsupported"],
  ] as const)("01-R32: %s names every unsupported keyword by its path", async (endpoint, code) => {
    const session_id = await fixture.session();
    await fixture.leavesAlone(session_id, async () => {
      const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } }, anyOf: [] };
      const refused = await api.refusal(endpoint, { ...at(session_id), body: { schema } });
      expect(refused).toMatchObject({ status: 400, domain: "sessions", code });
      expect(refused.errors?.map(({ path }) => path)).toEqual([
        "/schema/anyOf",
        "/schema/additionalProperties",
        "/schema/properties/n/minimum",
      ]);
    });
  });

  test("01-R20 01-R33: an input that breaks its contract is refused before its route, and no run exists", async () => {
    const session_id = await fixture.session();
    await api.call("putInputContract", { ...at(session_id), body: { schema: SCHEMA } });
    await fixture.leavesAlone(session_id, async () => {
      const body = { content: '{"n":"1"}', provider: "nowhere" };
      const refused = await api.refusal("submitRun", { ...at(session_id), body });
      expect(refused).toMatchObject({
        status: 400,
        domain: "sessions",
        code: "input_contract_violated",
        errors: [{ path: "/content", message: "$.n: expected number, found string" }],
      });
      const item = await api.refusal("sessionInput", {
        ...at(session_id),
        body: { input_items: [{ type: "asset_reference", asset_id: "gone" }] },
      });
      expect(item.code, "check (5) comes first").toBe("input_item_invalid");
    });
    const run = await fixture.finish(session_id, ' {"n": 1}');
    expect(run).toMatchObject({ status: "completed", request: { text_preview: '{"n":1}' } });
  });

  test("01-R34: /input answers the session with the structured output", async () => {
    const session_id = await fixture.session();
    await api.call("putOutputContract", { ...at(session_id), body: { schema: SCHEMA } });
    const content = script(say("n is 4"), say('{ "n": 4 }'));
    const view = await api.call("sessionInput", { ...at(session_id), body: { content } });
    expect(view.outputs).toMatchObject([
      { content: '{"n":4}', metadata: { output_kind: "structured_output", structured_output: { n: 4 } } },
    ]);
  });
}
