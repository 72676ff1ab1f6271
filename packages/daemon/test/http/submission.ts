import { describe, expect, test } from "vitest";
import type { Call } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ENDLESS, say, script } from "./support/script.ts";
import { runIn, shows } from "./support/stream.ts";

type Body = Call<"submitRun">["body"];
const DATA = Buffer.from("hello").toString("base64");

/** Each breaks the rule it stands for and all the later ones that it can, so that only the order decides. */
const CHECKS: { rule: string; session?: string; body: Body; status: number; code: string }[] = [
  {
    rule: "(1) reserved metadata, before the unknown session",
    session: "nobody",
    body: { metadata: { daemon: {} } },
    status: 400,
    code: "metadata_reserved",
  },
  {
    rule: "(1) the flow's metadata",
    body: { content: "x", metadata: { flow: 1 } },
    status: 400,
    code: "metadata_reserved",
  },
  {
    rule: "(2) the unknown session, before the empty input",
    session: "nobody",
    body: { content: " " },
    status: 404,
    code: "session_not_found",
  },
  {
    rule: "(3) no input, before the unknown route",
    body: { provider: "nowhere" },
    status: 400,
    code: "input_empty",
  },
  {
    rule: "(4) items together with content, before the items themselves",
    body: { content: "x", input_items: [{ type: "asset_reference", asset_id: "gone" }] },
    status: 400,
    code: "input_ambiguous",
  },
  {
    rule: "(4) items together with attachments",
    body: {
      input_items: [{ type: "text", text: "x" }],
      attachments: [{ type: "inline_asset", file_name: "f", media_type: "text/plain", content_base64: DATA }],
    },
    status: 400,
    code: "input_ambiguous",
  },
  {
    rule: "(5) an asset that is not there, before the unknown route",
    body: { input_items: [{ type: "asset_reference", asset_id: "gone" }], provider: "nowhere" },
    status: 400,
    code: "input_item_invalid",
  },
  {
    rule: "(5) bytes that are none",
    body: {
      attachments: [{ type: "inline_asset", file_name: "f", media_type: "text/plain", content_base64: "?!" }],
    },
    status: 400,
    code: "input_item_invalid",
  },
  {
    rule: "(8) a reply target without an address, before the unknown route",
    body: { content: "x", reply_targets: [{ type: "raw", plugin: "mail" }], provider: "nowhere" },
    status: 400,
    code: "input_item_invalid",
  },
  {
    rule: "(9) an unknown route",
    body: { content: "x", provider: "nowhere" },
    status: 400,
    code: "route_not_ready",
  },
  {
    rule: "(9) a model that the route does not have",
    body: { content: "x", provider: "simulator", generation: { model: "gpt-5" } },
    status: 400,
    code: "runtime_validation_failed",
  },
  {
    rule: "(10) a route without its key",
    body: { content: "x", provider: "keyless" },
    status: 400,
    code: "route_not_ready",
  },
];

export function submission(fixture: Fixture): void {
  const { api } = fixture;

  describe("01-R20 the checks, in their order, each without a run", () => {
    test.each(CHECKS)("$rule: $code", async ({ session, body, status, code }) => {
      const session_id = await fixture.session();
      await fixture.leavesAlone(session_id, async () => {
        for (const endpoint of ["submitRun", "sessionInput"] as const) {
          const refused = await api.refusal(endpoint, { ...at(session ?? session_id), body });
          expect(refused).toMatchObject({ status, code });
        }
      });
    });

    test("(11) a binding key of another session, which leaves the other new keys unbound", async () => {
      const owner = await fixture.session();
      const other = await fixture.session();
      await fixture.finish(owner, script(say("mine")), { binding_keys: ["thread-7"] });
      await fixture.finish(owner, script(say("still mine")), { binding_keys: ["thread-7", "thread-8"] });
      await fixture.leavesAlone(other, async () => {
        const body = { content: "x", binding_keys: ["thread-9", "thread-7"] };
        const refused = await api.refusal("submitRun", { ...at(other), body });
        expect(refused).toMatchObject({ status: 409, domain: "sessions", code: "conflict" });
      });
      await fixture.finish(owner, script(say("free")), { binding_keys: ["thread-9"] });
    });

    test("01-R22 of two sessions that bind one key at once, one gets it", async () => {
      const sessions = await Promise.all(Array.from({ length: 8 }, () => fixture.session()));
      const body = { content: script(say("mine")), binding_keys: ["raced"] };
      const all = await Promise.all(
        sessions.map((session_id) => api.post(`/v1/sessions/${session_id}/runs`, body)),
      );
      expect(all.map(({ status }) => status).toSorted()).toEqual([
        202,
        ...Array.from({ length: 7 }, () => 409),
      ]);
      const runs = await Promise.all(sessions.map((session_id) => fixture.runsOf(session_id)));
      expect(runs.flat()).toHaveLength(1);
    });
  });

  describe("what a run keeps of its submission", () => {
    test("its provenance, metadata without the daemon's own keys, route and preview", async () => {
      const run = await fixture.begin(script(say("hello")), {
        source_plugin: "cli",
        source_kind: "prompt",
        actor_id: "ada",
        metadata: { ticket: 7, learned_context: "x", skill_state: {}, output_contract: null },
      });
      expect(run).toMatchObject({
        kind: "input",
        request: {
          source_plugin: "cli",
          source_kind: "prompt",
          actor_id: "ada",
          text_preview: script(say("hello")),
          provider: "simulator",
          model: "script",
        },
        input_metadata: { ticket: 7 },
      });
      expect((await fixture.settles(run.run_id)).input_metadata).toEqual({ ticket: 7 });
    });

    test("metadata that is no object, and none at all", async () => {
      expect((await fixture.begin("hi", { metadata: ["a", 1] })).input_metadata).toEqual(["a", 1]);
      expect(await fixture.begin("hi", { metadata: null })).not.toHaveProperty("input_metadata");
      expect(await fixture.begin("hi", { metadata: { skill_state: 1 } })).not.toHaveProperty(
        "input_metadata",
      );
    });

    test("a long text only in part: the preview splits no character", async () => {
      const { request } = await fixture.begin("🦉".repeat(500));
      expect(request.text_preview).toBe(`${"🦉".repeat(200)}…`);
    });

    test("its files, which the model sees", async () => {
      const file = {
        type: "inline_asset" as const,
        file_name: "a.txt",
        media_type: "text/plain",
        content_base64: DATA,
      };
      const run = await fixture.begin("look at this", { attachments: [file] });
      expect(run.input_attachments).toEqual([
        { id: expect.stringMatching(/^asset-/), media_type: "text/plain", file_name: "a.txt" },
      ]);
      const { outputs } = await fixture.settles(run.run_id);
      expect(outputs?.[0]?.content).toBe("look at this\n[a.txt: text/plain, 5 bytes]");

      const items = [{ type: "text" as const, text: "one" }, file, { type: "text" as const, text: "two" }];
      const mixed = await fixture.settles((await fixture.begin("", { input_items: items })).run_id);
      expect(mixed.outputs?.[0]?.content).toContain("[a.txt: text/plain, 5 bytes]");
    });
  });

  describe("01-R21 route and generation", () => {
    test("request before session policy before the daemon's default, field by field", async () => {
      const session_id = await fixture.session();
      const used = async (more: Partial<NonNullable<Body>>) => {
        const { request } = await fixture.finish(session_id, "hi", more);
        return [request.provider, request.model];
      };
      expect(await used({})).toEqual(["simulator", "script"]);
      await api.call("putRoutePolicy", {
        ...at(session_id),
        body: { route_policy: { provider: "second", generation: { model: "echo", temperature: 0 } } },
      });
      expect(await used({})).toEqual(["second", "echo"]);
      expect(await used({ generation: { temperature: 1 } })).toEqual(["second", "echo"]);
      expect(await used({ provider: "simulator" })).toEqual(["simulator", "echo"]);
      expect(await used({ route_id: "simulator" })).toEqual(["simulator", "echo"]);
      expect(await used({ generation: { model: "second/script" } })).toEqual(["second", "script"]);
      // An explicit model without a route makes the policy's route step back.
      expect(await used({ generation: { model: "script" } })).toEqual(["simulator", "script"]);
    });
  });

  describe("01-R26 01-A7 acceptance", () => {
    test("is always 202: a free session starts the run, a busy one queues it, and the stream says so", async () => {
      const session_id = await fixture.session();
      const stream = await fixture.stream("sessionStream", at(session_id));
      const first = await api.exchange("submitRun", { ...at(session_id), body: { content: ENDLESS } });
      expect(first).toMatchObject({ status: 202, answer: { status: "running" } });
      expect(first.answer.started_at_ms).toBeGreaterThanOrEqual(first.answer.submitted_at_ms);
      const second = await api.exchange("submitRun", { ...at(session_id), body: { content: "next" } });
      expect(second).toMatchObject({ status: 202, answer: { status: "queued", queued_position: 1 } });
      expect(second.answer).not.toHaveProperty("started_at_ms");
      for (const { answer } of [first, second]) {
        const shown = await stream.until(shows(answer.run_id));
        expect(runIn(shown)?.status).toBe("queued");
      }
      await fixture.quiet(session_id);
    });

    test("run ids are numbers that only grow", async () => {
      const session_id = await fixture.session();
      const numbers: number[] = [];
      for (let count = 0; count < 5; count++) {
        const { run_id } = await fixture.submit(session_id, "hi");
        expect(run_id).toMatch(/^run-\d+$/);
        numbers.push(Number(run_id.slice("run-".length)));
      }
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    });
  });
}
