import type { ListPage, RunEventEntry, RunView } from "@kheish/sdk";
import { describe, expect, test } from "vitest";
import { type Loaded, withRun, withWaiting } from "../src/app/lists.ts";
import { type Command, matching } from "../src/app/palette/match.ts";
import { besides, changesOf } from "../src/calls/changes.ts";
import { BUCKETS, seriesOf } from "../src/pages/dashboard/series.ts";
import { decisionOn, decisionText } from "../src/pages/inbox/decision.ts";
import { freeRouteId } from "../src/pages/welcome/providers.ts";
import { LANGUAGES } from "../src/snippets/languages.ts";
import { skeletonOf } from "../src/snippets/skeleton.ts";
import { diffLines } from "../src/ui/diff-lines.ts";

const run = (run_id: string, submitted_at_ms: number, more: Partial<RunView> = {}): RunView => ({
  run_id,
  session_id: "s",
  agent_id: "a",
  kind: "input",
  status: "running",
  submitted_at_ms,
  updated_at_ms: submitted_at_ms,
  request: { source_plugin: "", source_kind: "", actor_id: "" },
  ...more,
});

describe("lists that are kept in step without reading them again", () => {
  const page = (total_count: number, ...items: RunView[]): ListPage<RunView> => ({
    items,
    pagination: { limit: 2, total_count, has_more: false, order: "desc" },
  });
  const list: Loaded<RunView> = {
    pages: [page(3, run("run-3", 30), run("run-2", 20)), page(3, run("run-1", 10))],
    pageParams: [undefined, "x"],
  };
  const ids = (known: Loaded<RunView> | undefined) =>
    known?.pages.map(({ items }) => items.map(({ run_id }) => run_id));

  test("a run that moved is replaced where it stands, a new one is the first and counts", () => {
    const moved = withRun(list, run("run-1", 10, { status: "failed" }));
    expect(moved?.pages[1]?.items[0]?.status).toBe("failed");
    expect(ids(moved)).toEqual([["run-3", "run-2"], ["run-1"]]);
    const grown = withRun(list, run("run-4", 40));
    expect(ids(grown)).toEqual([["run-4", "run-3", "run-2"], ["run-1"]]);
    expect(grown?.pages[0]?.pagination.total_count).toBe(4);
  });

  test("one that is further down than anybody has looked changes nothing; nor does one for a list that is not there", () => {
    expect(withRun(list, run("run-0", 5))).toBe(list);
    expect(withRun(undefined, run("run-4", 40))).toBeUndefined();
  });

  test("what waits keeps its order, and leaves when it does not wait any more", () => {
    const waits = { status: "waiting_for_approval" } as const;
    const both = withWaiting([run("run-1", 1, waits)], run("run-2", 2, waits));
    expect(both.map(({ run_id }) => run_id)).toEqual(["run-1", "run-2"]);
    expect(withWaiting(both, run("run-1", 1, waits)).map(({ run_id }) => run_id)).toEqual(["run-1", "run-2"]);
    expect(withWaiting(both, run("run-1", 1)).map(({ run_id }) => run_id)).toEqual(["run-2"]);
  });
});

describe("the palette", () => {
  const command = (group: string, name: string, hint = ""): Command => ({
    id: name,
    group,
    name,
    hint,
    run: () => {},
  });
  const commands = [
    command("Do", "New chat"),
    command("Go to", "Runs"),
    command("Run", "run-12", "failed deploy"),
  ];
  const names = (typed: string) => matching(commands, typed).map(({ name }) => name);

  test("finds what has every word, in the name or beside it; what begins with it comes first", () => {
    expect(names("")).toEqual(["New chat", "Runs", "run-12"]);
    expect(names("run")).toEqual(["Runs", "run-12"]);
    expect(names("deploy RUN")).toEqual(["run-12"]);
    expect(names("chat now")).toEqual([]);
  });
});

describe("a change of a file", () => {
  test("is read out of the calls that change files, and out of no other", () => {
    expect(changesOf("edit_file", { path: "a", old_text: "x", new_text: "y" })).toEqual([
      { path: "a", before: "x", after: "y" },
    ]);
    expect(changesOf("write_file", { path: "a", content: "x" })).toEqual([
      { path: "a", before: "", after: "x" },
    ]);
    const hunks = [
      { path: "a", old_text: "1", new_text: "2" },
      { path: "b", old_text: "3", new_text: "" },
    ];
    expect(changesOf("apply_patch", { hunks })).toEqual([
      { path: "a", before: "1", after: "2" },
      { path: "b", before: "3", after: "" },
    ]);
    expect(changesOf("write_file", { path: "a", content_base64: "eA==" })).toBeUndefined();
    expect(changesOf("apply_patch", { hunks: [{ path: "a" }] })).toBeUndefined();
    expect(changesOf("bash", { command: "ls" })).toBeUndefined();
    expect(changesOf("edit_file", null)).toBeUndefined();
  });

  test("keeps in sight what a difference does not show", () => {
    expect(besides({ path: "a", old_text: "x", new_text: "y", replace_all: true })).toEqual({
      replace_all: true,
    });
  });

  test("is lines that go and come, with three around them and a word for the rest", () => {
    const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9"].join("\n");
    expect(diffLines(`${before}\n`, `${before.replace("8", "acht")}\n`)).toEqual([
      { skipped: 4 },
      { kind: "same", text: "5" },
      { kind: "same", text: "6" },
      { kind: "same", text: "7" },
      { kind: "removed", text: "8" },
      { kind: "added", text: "acht" },
      { kind: "same", text: "9" },
    ]);
    expect(diffLines("", "a\n")).toEqual([{ kind: "added", text: "a" }]);
    expect(diffLines("a", "")).toEqual([{ kind: "removed", text: "a" }]);
    expect(diffLines("a", "a")).toEqual([{ skipped: 1 }]);
  });
});

test("who decided is found in the run's events, and that nobody did", () => {
  const entry = (timestamp_ms: number, event: RunEventEntry["event"]): RunEventEntry => ({
    timestamp_ms,
    run_id: "run-1",
    session_id: "s",
    agent_id: "a",
    seq: timestamp_ms,
    event,
  });
  const events = [
    entry(1, { type: "started" }),
    entry(2, {
      type: "approval_resolved",
      resolutions: [{ request_id: "r1", behavior: "deny" }],
      decided_by: "token:eve",
    }),
    entry(3, {
      type: "user_question_resolved",
      resolution: { request_id: "q1", answers: [], declined: true },
      decided_by: "daemon",
    }),
  ];
  expect(decisionOn(events, "r1")).toEqual({ verdict: "denied", by: "token:eve", atMs: 2 });
  expect(decisionOn(events, "q1")).toEqual({ verdict: "declined", by: "daemon", atMs: 3 });
  expect(decisionOn(events, "r2")).toBeUndefined();
  const over = decisionOn([...events, entry(4, { type: "cancelled" })], "r2");
  expect(over && decisionText(over)).toBe("the run ended before");
});

test("runs are counted into the stretch of time in which they were submitted", () => {
  const usage = {
    input_tokens: 5,
    output_tokens: 1,
    cached_input_tokens: 0,
    model_calls: 1,
    tool_calls: 0,
    restarts: 0,
    cost_microusd: 3,
  };
  const ended = (at: number, took: number) =>
    run(`run-${took}`, at, {
      status: "completed",
      usage,
      started_at_ms: at,
      finished_at_ms: at + took,
    });
  const span = { fromMs: 1_000, untilMs: 1_000 + BUCKETS * 10 };
  const buckets = seriesOf(
    [
      run("old", 999),
      ended(1_000, 4),
      ended(1_009, 8),
      run("failed", 1_010, { status: "failed" }),
      run("ahead", span.untilMs + 50),
    ],
    span,
  );
  expect(buckets).toHaveLength(BUCKETS);
  expect(buckets[0]).toEqual({
    fromMs: 1_000,
    completed: 2,
    failed: 0,
    other: 0,
    tokens: 12,
    costMicrousd: 6,
    p50Ms: 4,
    p95Ms: 8,
  });
  expect(buckets[1]).toMatchObject({ failed: 1, completed: 0 });
  expect(buckets.at(-1), "the daemon's clock may be ahead").toMatchObject({ other: 1 });
});

describe('08 "Use via SDK"', () => {
  test("a payload is a number 1, true, the field's name, an empty list; objects recurse", () => {
    const schema = {
      type: "object",
      properties: {
        count: { type: "integer" },
        price: { type: ["null", "number"] },
        isOpen: { type: "boolean" },
        title: { type: "string" },
        tags: { type: "array" },
        kind: { enum: ["a", "b"] },
        inner: { type: "object", properties: { name: { type: "string" } } },
      },
    };
    expect(skeletonOf(schema)).toEqual({
      count: 1,
      price: 1,
      isOpen: true,
      title: "<title>",
      tags: [],
      kind: "a",
      inner: { name: "<name>" },
    });
  });

  test("curl's words survive the shell, whatever the session is called", () => {
    const curl = LANGUAGES.find(({ name }) => name === "curl");
    const text = curl?.write({
      baseUrl: "http://127.0.0.1:4000",
      sessionId: "it's/odd",
      needsToken: true,
      payload: { text: "it's" },
    });
    expect(text).toContain("/v1/sessions/it'\\''s%2Fodd/runs'");
    expect(text).toContain('"Authorization: Bearer $KHEISH_TOKEN"');
    expect(text).toContain(`it'\\''s`);
  });
});

test("a route's name is one that nobody has", () => {
  expect(freeRouteId("openai", [])).toBe("openai");
  expect(freeRouteId("openai", ["openai", "openai-2"])).toBe("openai-3");
});
