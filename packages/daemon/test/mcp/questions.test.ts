import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { type McpControl, nodeServer, SAY, useMcp } from "./support.ts";

const serve = useMcp();
const LEDGER = fileURLToPath(new URL("./ledger-server.ts", import.meta.url));
type Protocol = "modern" | "legacy" | "end-on-probe";

async function withLedger(protocol: Protocol) {
  const control = await serve();
  const { directory } = control.daemon;
  const added = await control.add("l", { command: process.execPath, args: [LEDGER, directory, protocol] });
  expect(added.status, JSON.stringify(added.body)).toBe(200);
  const ledger = async () => (await readFile(join(directory, "ledger"), "utf8")).trim().split("\n");
  return { control, session: await control.session(), ledger };
}

const optionsOf = (run: RunView) =>
  (run.pending_questions ?? []).flatMap(({ questions }) =>
    questions.map(({ id, options }) => [id, options.map((one) => one.id)]),
  );
const size = (value: string) => [{ question_id: "size", selected_option_ids: [value] }];

async function asks(control: McpControl, session: string, tool: string) {
  const run = await control.play(session, [control.callOf(`mcp__l__${tool}`, { item: "shirt" }), SAY]);
  const waiting = await control.reaches(run, "waiting_for_user_question");
  return { run, waiting };
}

const SPOKEN = { modern: "2026-07-28", legacy: "2025-11-25", "end-on-probe": "2025-11-25" } as const;

describe.each(["modern", "legacy", "end-on-probe"] as const)("a server that asks (%s)", (protocol) => {
  test("03, MCP client: its form is a question of the run, and the call goes on with the answer", async () => {
    const { control, session, ledger } = await withLedger(protocol);
    expect(await control.server("l")).toMatchObject({ health: { protocol_version: SPOKEN[protocol] } });
    const { run, waiting } = await asks(control, session, "order_once");
    expect(optionsOf(waiting)).toEqual([["size", ["value-0", "value-1", "decline"]]]);
    expect(waiting.pending_questions?.[0]?.questions[0]?.question).toContain("Which shirt?");
    expect((await control.answers(run, size("value-1"))).status).toBe(202);
    expect(await control.result(run)).toMatchObject({
      content: [{ type: "text", text: "ordered large shirt" }],
    });
    expect(await ledger()).toEqual(["asked shirt", "ordered large shirt"]);
  });

  test("who declines gives nothing away", async () => {
    const { control, session, ledger } = await withLedger(protocol);
    for (const [answers, more] of [
      [size("decline"), {}],
      [[], { declined: true }],
    ] as const) {
      const { run } = await asks(control, session, "order_once");
      await control.answers(run, [...answers], more);
      expect(await control.result(run)).toMatchObject({ content: [{ text: "not ordered" }] });
    }
    expect((await ledger()).filter((line) => line.startsWith("ordered"))).toEqual([]);
  });
});

test("03, MCP client: a restart between question and answer loses nothing where the protocol lets it (2026-07-28)", async () => {
  const { control, session, ledger } = await withLedger("modern");
  const { run } = await asks(control, session, "order_once");
  await control.daemon.restart();
  await control.answers(run, size("value-0"));
  expect(await control.result(run)).toMatchObject({ content: [{ text: "ordered small shirt" }] });
  expect(await ledger()).toEqual(["asked shirt", "ordered small shirt"]);
});

test("with 2025-11-25 what may be repeated is, with the answer that was given; what may not is told as unknown", async () => {
  const { control, session, ledger } = await withLedger("legacy");
  const reading = await asks(control, session, "order_read");
  await control.daemon.restart();
  await control.answers(reading.run, size("value-0"));
  expect(await control.result(reading.run)).toMatchObject({ content: [{ text: "ordered small shirt" }] });
  expect(await ledger()).toEqual(["asked shirt", "asked shirt", "ordered small shirt"]);

  const once = await asks(control, session, "order_once");
  await control.daemon.restart();
  await control.answers(once.run, size("value-0"));
  expect(await control.result(once.run)).toMatchObject({
    error: "interrupted, outcome unknown",
    outcome: "unknown",
  });
  expect((await ledger()).filter((line) => line.startsWith("ordered"))).toHaveLength(1);
});

test("two calls of one turn that ask are asked one after the other", async () => {
  const { control, session } = await withLedger("modern");
  const call = (item: string) => ({ name: "mcp__l__order_idempotent", input: { item } });
  const turn = { tool_calls: [call("shirt"), call("shoe")] };
  const run = await control.play(session, [
    turn,
    { text: "[{{tool_output:sim-0-0}},{{tool_output:sim-0-1}}]" },
  ]);
  await control.answers(run, size("value-0"));
  await control.answers(run, size("value-1"));
  const outputs = (await control.result(run)) as unknown as { content: { text: string }[] }[];
  const texts = outputs.map(({ content }) => content[0]?.text);
  expect(texts.map((text) => text?.split(" ").at(-1)).toSorted()).toEqual(["shirt", "shoe"]);
  expect(texts.map((text) => text?.split(" ")[1]).toSorted()).toEqual(["large", "small"]);
});

describe("server-everything", () => {
  async function withEverything() {
    const control = await serve();
    await control.add("e", nodeServer("everything"));
    return { control, session: await control.session() };
  }

  test("a long form is asked in pieces, and what will not do is asked again with the reason", async () => {
    const { control, session } = await withEverything();
    const run = await control.play(session, [control.callOf("mcp__e__trigger-elicitation-request"), SAY]);
    const given: Record<string, object> = {
      name: { freeform_answer: "Ada" },
      check: { selected_option_ids: ["value-0"] },
      integer: { freeform_answer: "7" },
      untitledSingleSelectEnum: { freeform_answer: "phoebe" },
      untitledMultipleSelectEnum: { selected_option_ids: ["value-0", "value-1"] },
    };
    const asked: string[] = [];
    const questions: string[] = [];
    for (;;) {
      const view = await control.reaches(run, "waiting_for_user_question", "completed", "failed");
      const open = view.pending_questions?.[0]?.questions;
      if (open === undefined) break;
      expect(open.length).toBeLessThanOrEqual(4);
      for (const { options } of open) expect(options.length).toBeGreaterThanOrEqual(2);
      const isFirst = !asked.includes("integer");
      asked.push(...open.map(({ id }) => id));
      questions.push(...open.map(({ question }) => question));
      const answers = open.map(({ id }) => ({
        question_id: id,
        // Out of range at first.
        ...(id === "integer" && isFirst
          ? { freeform_answer: "1000" }
          : (given[id] ?? { selected_option_ids: ["skip"] })),
      }));
      const answered = await control.answers(run, answers);
      expect(answered.status, JSON.stringify(answered.body)).toBe(202);
    }
    expect(asked.filter((id) => id === "integer")).toHaveLength(2);
    expect(questions.find((text) => text.includes("It must be at most 100."))).toBeDefined();
    const text = JSON.stringify(await control.result(run));
    for (const value of ["Ada", "Phoebe", "Guitar", "Piano"]) expect(text).toContain(value);
    expect(text).not.toContain("1000,");
  });

  test("a page to visit is a question with its address", async () => {
    const { control, session } = await withEverything();
    const input = { url: "https://example.com/sign", message: "Sign here", elicitationId: "e-1" };
    const run = await control.play(session, [control.callOf("mcp__e__trigger-url-elicitation", input), SAY]);
    const waiting = await control.reaches(run, "waiting_for_user_question", "completed", "failed");
    expect(JSON.stringify(waiting.pending_questions)).toContain("https://example.com/sign");
    await control.answers(run, [{ question_id: "visited", selected_option_ids: ["visited"] }]);
    expect(JSON.stringify(await control.result(run))).toMatch(/accept/i);
  });

  test("an interrupted run lets go of what its server waits for", async () => {
    const { control, session } = await withEverything();
    const run = await control.play(session, [control.callOf("mcp__e__trigger-elicitation-request"), SAY]);
    await control.reaches(run, "waiting_for_user_question");
    await control.call("POST", `/v1/runs/${run}/cancel`, {});
    expect((await control.ends(run)).status).toBe("cancelled");
    expect(await control.called(session, "mcp__e__echo", { message: "next" })).toMatchObject({
      is_error: false,
    });
  });
});
