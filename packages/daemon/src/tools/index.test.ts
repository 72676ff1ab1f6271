import { describe, expect, it } from "vitest";
import type { Tool } from "../engine/ports.ts";
import { createBuiltinTools, toolPort } from "./index.ts";
import { contextOf, mismatch, succeed, useWorkspace } from "./testing/harness.ts";

const port = createBuiltinTools({ hostEnv: {} });

function tool(name: string): Tool {
  const found = port.get(name);
  if (found === undefined) throw new Error(`no tool '${name}'`);
  return found;
}

/** Name, effect, timeout, sandbox, parallel, fields with `*` when required: the tables of spec 03. */
const table: [string, string, number, string, boolean, string[]][] = [
  ["apply_patch", "once", 10_000, "workspace_write", false, ["hunks*"]],
  [
    "ask_user_question",
    "idempotent",
    10_000,
    "inherited",
    false,
    ["questions*", "expires_at_ms", "expires_after_ms"],
  ],
  [
    "bash",
    "once",
    3_600_000,
    "workspace_write",
    false,
    ["command*", "workdir", "run_in_background", "description"],
  ],
  ["create_goal", "idempotent", 10_000, "inherited", false, ["objective*", "token_budget"]],
  [
    "edit_file",
    "once",
    5_000,
    "workspace_write",
    false,
    ["path*", "old_text*", "new_text*", "replace_all", "expected_sha256"],
  ],
  ["enter_plan_mode", "idempotent", 10_000, "inherited", false, ["note"]],
  ["exit_plan_mode", "idempotent", 10_000, "inherited", false, ["plan*", "summary"]],
  ["get_goal", "read", 10_000, "inherited", true, []],
  ["glob_search", "read", 10_000, "read_only", true, ["pattern*", "base", "limit"]],
  ["grep_search", "read", 10_000, "read_only", true, ["pattern*", "base", "limit"]],
  ["list_files", "read", 10_000, "read_only", true, ["base", "limit"]],
  [
    "read_file",
    "read",
    5_000,
    "read_only",
    true,
    ["path*", "start_line", "line_count", "start_byte", "include_base64"],
  ],
  [
    "task_create",
    "idempotent",
    10_000,
    "inherited",
    false,
    ["title*", "description", "owner_agent_id", "metadata", "blocked_by", "blocks"],
  ],
  ["task_delete", "idempotent", 10_000, "inherited", false, ["task_id*"]],
  ["task_get", "read", 10_000, "inherited", true, ["task_id*"]],
  ["task_list", "read", 10_000, "inherited", true, ["status"]],
  [
    "task_output",
    "read",
    120_000,
    "inherited",
    true,
    ["task_id*", "wait", "timeout_ms", "tail_bytes", "full"],
  ],
  ["task_stop", "idempotent", 10_000, "inherited", false, ["task_id*", "reason"]],
  [
    "task_update",
    "idempotent",
    10_000,
    "inherited",
    false,
    [
      "task_id*",
      "title",
      "description",
      "status",
      "owner_agent_id",
      "output",
      "metadata",
      "remove_metadata_keys",
      "blocked_by",
      "add_blocked_by",
      "remove_blocked_by",
      "blocks",
      "add_blocks",
      "remove_blocks",
    ],
  ],
  ["todo_write", "idempotent", 10_000, "inherited", false, ["todos*"]],
  ["update_goal", "idempotent", 10_000, "inherited", false, ["status*"]],
  [
    "write_file",
    "once",
    5_000,
    "workspace_write",
    false,
    ["path*", "content", "content_base64", "expected_sha256"],
  ],
];

describe("the built-in tools", () => {
  it("are these, sorted by name", () => {
    expect(port.all().map(({ name }) => name)).toEqual(table.map(([name]) => name));
    expect(port.get("rm")).toBeUndefined();
  });

  it.each(table)("%s has effect %s, timeout %d, sandbox %s, parallel %s and its fields", (...row) => {
    const [name, effect, timeoutMs, sandbox, allowsParallel, fields] = row;
    expect(tool(name)).toMatchObject({ effect, timeoutMs, sandbox, allowsParallel });
    const { input_schema: schema } = tool(name);
    const required = (schema.required ?? []) as string[];
    const shown = Object.keys(schema.properties as object).map((field) =>
      required.includes(field) ? `${field}*` : field,
    );
    expect(shown).toEqual(fields);
  });

  it.each(table)("%s shows models a plain, closed JSON Schema of an object", (name) => {
    const schema = tool(name).input_schema;
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    expect(schema).not.toHaveProperty("$schema");
    expect(JSON.stringify(schema)).not.toContain(String(Number.MAX_SAFE_INTEGER));
  });

  it("can be read back after a lost outcome where that is possible", () => {
    const readBack = port.all().filter(({ reconcile }) => reconcile !== undefined);
    expect(readBack.map(({ name }) => name)).toEqual(["apply_patch", "bash", "edit_file", "write_file"]);
  });

  it("have distinct names", () => {
    expect(() => toolPort([tool("bash"), tool("bash")])).toThrow("one name");
  });
});

describe("inputs", () => {
  it("03-R4: takes floats without a fraction where integers are expected", () => {
    const input = JSON.parse('{"path":"a","start_line":2.0,"line_count":1e1}');
    expect(tool("read_file").parse(input)).toEqual({
      ok: true,
      input: { path: "a", start_line: 2, line_count: 10 },
    });
    expect(mismatch(tool("read_file"), { path: "a", start_line: 1.5 })).toBe(
      "Invalid input at $.start_line: expected an integer.",
    );
  });

  it("names the first mismatch and where it is", () => {
    expect(mismatch(tool("read_file"), { path: "a", offset: 1 })).toBe(
      "Invalid input at $: unknown field 'offset'.",
    );
    expect(mismatch(tool("read_file"), {})).toBe("Invalid input at $.path: this field is required.");
    expect(mismatch(tool("read_file"), { path: 3 })).toBe(
      "Invalid input at $.path: expected string, received number.",
    );
    expect(mismatch(tool("read_file"), [])).toBe("Invalid input at $: expected object, received array.");
    expect(mismatch(tool("todo_write"), { todos: [{ content: "a" }, { content: " " }] })).toMatch(
      /^Invalid input at \$\.todos\[1\]\.content: /,
    );
    expect(mismatch(tool("todo_write"), { todos: [{ content: "a", "due date": 1 }] })).toBe(
      "Invalid input at $.todos[0]: unknown field 'due date'.",
    );
  });

  it("refuses what only makes sense alone", () => {
    const write = tool("write_file");
    expect(mismatch(write, { path: "a" })).toContain("exactly one of 'content' and 'content_base64'");
    expect(mismatch(write, { path: "a", content: "", content_base64: "" })).toContain("exactly one");
    expect(mismatch(write, { path: "a", content_base64: "not base64!" })).toContain("$.content_base64");
    expect(mismatch(tool("read_file"), { path: "a", start_line: 1, start_byte: 1 })).toContain("not both");
  });

  it("refuses text that UTF-8 cannot store", () => {
    expect(mismatch(tool("write_file"), { path: "a", content: "x\ud800" })).toContain("surrogate");
  });

  it("parses what it parsed to the same again", () => {
    const digest = "A".repeat(64);
    const once = tool("edit_file").parse({
      path: "a",
      old_text: "x",
      new_text: "y",
      expected_sha256: digest,
    });
    if (!once.ok) throw new Error(once.error);
    expect(once.input).toMatchObject({ replace_all: false, expected_sha256: digest.toLowerCase() });
    expect(tool("edit_file").parse(once.input)).toEqual(once);
  });
});

describe("noop", () => {
  const workspace = useWorkspace();

  it("exists when asked for, and pads", async () => {
    expect(port.get("noop")).toBeUndefined();
    const noop = createBuiltinTools({ hostEnv: {}, includeNoop: true }).get("noop");
    if (noop === undefined) throw new Error("no noop");
    expect(noop.unlisted, "03: it is none of the tools given to the model").toBe(true);
    expect(await succeed(noop, { bytes: 3 }, contextOf(workspace))).toEqual({ bytes: 3, padding: "xxx" });
    expect(await succeed(noop, {}, contextOf(workspace))).toEqual({ bytes: 0, padding: "" });
  });
});
