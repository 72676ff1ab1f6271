import type { HookInput, HookOutcome } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOperatorAddress } from "../outbound/address.ts";
import { matches } from "./matcher.ts";
import { merge } from "./merge.ts";
import { blocks, parseText, parseValue } from "./outcome.ts";
import { backoffMs, failureMode, isSequential } from "./policy.ts";
import { describeTarget } from "./target.ts";
import { fillTemplate } from "./template.ts";

describe("03 matchers", () => {
  it.each([
    [undefined, "anything", true],
    [undefined, undefined, true],
    ["", "", true],
    ["", undefined, true],
    ["", "x", false],
    ["bash", "bash", true],
    ["bash", "Bash", false],
    ["bash", "bash2", false],
    ["*", "", true],
    ["*_file", "read_file", true],
    ["mcp__*__get", "mcp__a__b__get", true],
    ["mcp__*__get", "mcp__get", false],
    ["r?ad", "read", true],
    ["r?ad", "rad", false],
    ["?", "\u{1f600}", true],
    ["a*b*c", "aXbYbZc", true],
    ["a*b*c", "aXbYbZ", false],
    ["docs/*", "docs/a/b.md", true],
    ["a.c", "abc", false],
  ])("%s against %s: %s", (matcher, subject, expected) => {
    expect(matches(matcher, subject)).toBe(expected);
  });

  it("agree with the same written as a regular expression", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (matcher, subject) => {
        const source = matcher.replaceAll("*", "[^]*").replaceAll("?", "[^]");
        expect(matches(matcher, subject)).toBe(new RegExp(`^${source}$`, "u").test(subject));
      }),
    );
  });

  it("are not slow, whatever somebody writes", () => {
    expect(matches(`${"*a".repeat(200)}*b`, "a".repeat(20_000))).toBe(false);
  });
});

describe("03-R49 outcomes", () => {
  it.each([
    ["", {}],
    [" \n", {}],
    ['{"decision":"approve"}', { decision: "approve" }],
    ['Sure:\n```json\n{"decision": "block"}\n```', { decision: "block" }],
    ['I {think} it is {"stop_reason": "a } in a string \\" {"} so', { stop_reason: 'a } in a string " {' }],
    ['{"a": {"b": 1}} {"decision":"block"}', {}],
    ['{"decision": null, "retry": true, "new_field": 1}', { retry: true }],
    ['{"contract_version": 1, "matched_hooks": ["forged"]}', {}],
  ])("%j is understood", (text, outcome) => {
    expect(parseText(text)).toEqual({ ok: true, outcome });
  });

  it.each([
    "no JSON",
    "[1]",
    '"block"',
    "{",
    '{"decision":"maybe"}',
    '{"contract_version":2}',
    '{"contract_version":1.5}',
    '{"contract_version":"1"}',
    '{"updated_permissions":[{"scope":"project","tool_name_pattern":"*","behavior":"allow"}]}',
    '{"updated_permissions":[{"scope":"session","tool_name_pattern":"a*b","behavior":"allow"}]}',
  ])("%j is a failure", (text) => {
    expect(parseText(text).ok).toBe(false);
  });

  it("bound their reason, and take no time over a wall of braces", () => {
    expect(parseValue({ stop_reason: "x".repeat(10_000) })).toEqual({
      ok: true,
      outcome: { stop_reason: "x".repeat(4_096) },
    });
    expect(parseText("{".repeat(128 * 1024)).ok).toBe(false);
  });
});

describe("03-R45 merging", () => {
  const merged = (...outcomes: HookOutcome[]) => {
    const { matched_hooks, ...rest } = merge(
      outcomes.map((outcome, index) => ({ hook: `h${index}`, outcome })),
    );
    expect(matched_hooks).toEqual(outcomes.map((_, index) => `h${index}`));
    return rest;
  };

  it("says nothing where nobody did", () => {
    expect(merged({}, {})).toEqual({});
  });

  it("takes the first, the last, the strictest or all, as each field wants", () => {
    expect(
      merged(
        {
          decision: "approve",
          permission: "allow",
          stop_reason: "one",
          updated_input: 1,
          initial_user_message: "a",
          additional_contexts: ["x"],
          watch_paths: ["b", "a"],
        },
        {
          decision: "block",
          continue_execution: false,
          permission: "ask",
          stop_reason: "two",
          updated_input: 2,
          updated_output: 3,
          initial_user_message: "b",
          additional_contexts: ["y"],
          watch_paths: ["a", "c"],
          retry: true,
        },
        { continue_execution: true, retry: false, permission: "allow" },
      ),
    ).toEqual({
      decision: "block",
      continue_execution: false,
      permission: "ask",
      stop_reason: "one",
      updated_input: 2,
      updated_output: 3,
      initial_user_message: "a",
      additional_contexts: ["x", "y"],
      watch_paths: ["a", "b", "c"],
      retry: true,
    });
    expect(merged({ permission: "deny" }, { permission: "allow" })).toEqual({ permission: "deny" });
  });

  it("03-R44 blocks on a block, on a stop, and on a deny where permission is asked", () => {
    expect(blocks("stop", { decision: "block" })).toBe(true);
    expect(blocks("stop", { continue_execution: false })).toBe(true);
    expect(blocks("permission_request", { permission: "deny" })).toBe(true);
    expect(blocks("pre_tool_use", { permission: "deny" })).toBe(false);
    expect(blocks("stop", { decision: "approve" })).toBe(false);
  });
});

describe("policies", () => {
  const hook = {
    name: "x",
    executor: { type: "callback", name: "x" },
    failure_policy: { max_retries: 0 },
  } as const;

  it("03-A3 a guard fails closed and an observer open, unless it is said otherwise", () => {
    const closed = [
      "pre_tool_use",
      "permission_request",
      "user_prompt_submit",
      "pre_compact",
      "elicitation",
    ] as const;
    for (const event of closed) expect(failureMode(event, hook)).toBe("closed");
    for (const event of ["post_tool_use", "config_change", "stop", "notification"] as const) {
      expect(failureMode(event, hook)).toBe("open");
    }
    const said = { ...hook, failure_policy: { mode: "open", max_retries: 0 } } as const;
    expect(failureMode("pre_tool_use", said)).toBe("open");
  });

  it("03-R44 thirteen events are called in order", () => {
    expect(isSequential("stop")).toBe(true);
    expect(isSequential("permission_denied")).toBe(false);
    expect(isSequential("elicitation")).toBe(false);
  });

  it("03-R51 wait 50, 100 and 200 ms and up to 24 more", () => {
    expect([2, 3, 4].map((next) => backoffMs(next, 0))).toEqual([50, 100, 200]);
    expect([2, 3, 4].map((next) => backoffMs(next, 0.999_999))).toEqual([74, 124, 224]);
  });
});

describe("targets", () => {
  it("02-R74 name no command, path or query", () => {
    const said = [
      { type: "command", command: "curl s3cret" },
      { type: "http", url: "https://h.example:8443/in?key=s3cret" },
      { type: "prompt", template: "s3cret" },
      { type: "callback", name: "mine" },
    ] as const;
    expect(said.map((executor) => describeTarget(executor))).toEqual([
      "command",
      "http https://h.example:8443",
      "prompt",
      "callback mine",
    ]);
  });

  it.each([
    "8.8.8.8",
    "127.0.0.1",
    "10.0.0.1",
    "172.31.0.1",
    "192.168.1.1",
    "::1",
    "fd00::1",
    "2606:4700::1111",
  ])("03-A1 03-R50 %s may be called", (address) => expect(isOperatorAddress(address)).toBe(true));
  it.each([
    ...[
      "0.0.0.0",
      "100.64.0.1",
      "169.254.169.254",
      "172.32.0.1x",
      "192.0.2.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
    ],
    ...[
      "::",
      "fe80::1",
      "fe80::1%eth0",
      "fec0::1",
      "ff02::1",
      "2001::1",
      "2002:7f00:1::",
      "64:ff9b::808:808",
      "::ffff:8.8.8.8",
      "example.org",
    ],
  ])("03-R50 %s may not", (address) => expect(isOperatorAddress(address)).toBe(false));
});

describe("03-R53 templates", () => {
  const input: HookInput = {
    event: "pre_tool_use",
    subject: "{{payload}}",
    session_id: "s",
    payload: { a: 1 },
    contract_version: 1,
    invocation_key: "k",
  };
  it("are filled once", () => {
    const template = "{{event}}|{{subject}}|{{session_id}}|{{agent_id}}|{{run_id}}|{{payload}}|{{other}}";
    expect(fillTemplate(template, input)).toBe('PreToolUse|{{payload}}|s|||{"a":1}|{{other}}');
    expect(JSON.parse(fillTemplate("{{invocation_json}}", input))).toEqual(input);
  });
});
