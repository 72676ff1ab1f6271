import type { PermissionMode, PermissionScope } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuthorityContext, StandingRule } from "../engine/ports.ts";
import { childMode, PLAN_PROFILE, PLAN_TOOLS, underMode } from "./permission-modes.ts";
import { createAuthority, DEFAULT_RULES, type PermissionRule } from "./permissions.ts";

const call = (name: string) => ({ id: `call-${name}`, name, input: {} });
const rule = (
  scope: PermissionScope,
  tool_name_pattern: string,
  behavior: PermissionRule["behavior"],
  reason?: string,
): PermissionRule => ({ scope, tool_name_pattern, behavior, ...(reason === undefined ? {} : { reason }) });
const context = (mode: PermissionMode, rules: readonly PermissionRule[]): AuthorityContext => ({
  mode,
  rules: rules as StandingRule[],
  inputDigest: () => "digest-of-the-input",
  workspaceRoot: "/work",
});
const decide = (name: string, mode: PermissionMode, rules: PermissionRule[] = []) =>
  createAuthority().decide(call(name), context(mode, rules));
const bash = (command: string, rules: readonly PermissionRule[]) =>
  createAuthority().decide({ id: "c", name: "bash", input: { command } }, context("default", rules));

const MODES: PermissionMode[] = ["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"];
const bypassed = "allow bypass_permissions_auto_allowed_approval";
const edited = "allow accept_edits_auto_allowed_edit_approval";
const planned = "allow plan_mode_allowed_read_only_or_coordination_tool";
const unplanned = "deny plan_mode_denied_non_whitelisted_tool";
const unasked = "deny dont_ask_denied_approval";

describe("the default rules under the five modes", () => {
  it.each([
    // tool, base, then what each mode makes of it
    ["bash", "ask", ["ask", "ask", bypassed, unplanned, unasked]],
    ["write_file", "ask", ["ask", edited, bypassed, unplanned, unasked]],
    ["edit_file", "ask", ["ask", edited, bypassed, unplanned, unasked]],
    ["apply_patch", "ask", ["ask", edited, bypassed, unplanned, unasked]],
    ["mcp__github__list", "ask", ["ask", "ask", bypassed, unplanned, unasked]],
    ["list_mcp_resources", "ask", ["ask", "ask", bypassed, "ask", unasked]],
    ["read_mcp_resource", "ask", ["ask", "ask", bypassed, "ask", unasked]],
    ["exit_plan_mode", "ask", ["ask", "ask", bypassed, "ask", unasked]],
    ["read_file", "allow", ["allow", "allow", "allow", planned, "allow"]],
    ["ask_user_question", "allow", ["allow", "allow", "allow", planned, "allow"]],
    ["todo_write", "allow", ["allow", "allow", "allow", planned, "allow"]],
    ["set_channel_reaction", "allow", ["allow", "allow", "allow", unplanned, "allow"]],
    ["no_such_tool", "allow", ["allow", "allow", "allow", unplanned, "allow"]],
  ])("03-R19, 03-R22, 03-R23: %s", (name, base, expected) => {
    const seen = MODES.map((mode) => {
      const { decision, audit } = decide(name, mode);
      expect(audit).toMatchObject({
        scope: "default",
        tool_name: name,
        tool_call_id: `call-${name}`,
        decision,
        base_decision: base,
        effective_mode: mode,
        matched_rule_origin: "static",
      });
      return audit.mode_effect === undefined ? decision : `${decision} ${audit.mode_effect}`;
    });
    expect(seen).toEqual(expected);
  });

  it("03-R19: end with a rule for everything", () => {
    expect(DEFAULT_RULES.at(-1)).toEqual(rule("default", "*", "allow"));
    expect(DEFAULT_RULES.every(({ scope }) => scope === "default")).toBe(true);
  });

  it("03-R23: planning may use the 28 tools of the list, and what keeps the agent's own notes", () => {
    const listed =
      "read_file list_files glob_search grep_search web_fetch web_search list_mcp_resources " +
      "list_mcp_resource_templates read_mcp_resource list_skills read_channel_thread ask_operator ask_user_question " +
      "request_parent_clarification spawn_agent list_agents list_agent_summaries message_agent wait_agent get_agent " +
      "enter_plan_mode exit_plan_mode task_get task_list task_output schedule_get schedule_list get_goal";
    const notes = "emit_output task_create task_update task_stop task_delete todo_write";
    expect([...PLAN_TOOLS].toSorted()).toEqual(`${listed} ${notes}`.split(" ").toSorted());
    expect(listed.split(" ")).toHaveLength(28);
  });

  it("03-R23: the profile `plan` shows a child nothing that the mode `plan` denies it", () => {
    expect([...PLAN_PROFILE].filter((name) => underMode("allow", "plan", name).decision !== "allow")).toEqual(
      [],
    );
    for (const name of ["read_file", "todo_write", "task_create", "emit_output"])
      expect(PLAN_PROFILE).toContain(name);
    for (const name of ["spawn_agent", "message_agent", "exit_plan_mode", "set_channel_reaction", "bash"])
      expect(PLAN_PROFILE).not.toContain(name);
  });
});

describe("operator rules", () => {
  it("03-R19: outrank the defaults in every scope, the user scope's `deny bash` included", () => {
    for (const scope of ["user", "project", "session"] as const) {
      expect(decide("bash", "default", [rule(scope, "bash", "deny")])).toMatchObject({
        decision: "deny",
        reason: `denied by the ${scope} rule 'bash'`,
        audit: { scope, matched_rule_pattern: "bash" },
      });
      expect(decide("bash", "default", [rule(scope, "*", "allow")]).decision).toBe("allow");
    }
  });

  it("03-R20: go session, project, user; the first scope with any match decides", () => {
    const rules = [
      rule("user", "bash", "deny"),
      rule("project", "*", "ask", "project says"),
      rule("session", "read_file", "deny"),
    ];
    expect(decide("bash", "default", rules)).toMatchObject({ decision: "ask", reason: "project says" });
    expect(decide("read_file", "default", rules)).toMatchObject({ decision: "deny" });
    expect(decide("bash", "default", rules.slice(0, 1))).toMatchObject({ decision: "deny" });
  });

  it("03-R20: inside a scope go exact name, longest prefix, `*`, and of equals the earliest", () => {
    const rules = [
      rule("user", "*", "deny", "star"),
      rule("user", "mcp__*", "ask", "short"),
      rule("user", "mcp__github__*", "allow", "long"),
      rule("user", "mcp__github__*", "deny", "long again"),
      rule("user", "mcp__github__merge", "deny", "exact"),
      rule("user", "mcp__github__merge*", "allow", "prefix as long as the name"),
    ];
    const reasons = ["mcp__github__merge", "mcp__github__list", "mcp__linear__list", "bash", "mcp__"].map(
      (name) => decide(name, "default", rules).audit.reason,
    );
    expect(reasons).toEqual(["exact", "long", "short", "star", "short"]);
  });

  it("03-R21: without any match a call is allowed, in session scope", () => {
    const authority = createAuthority({ defaults: [] });
    expect(authority.decide(call("bash"), context("default", []))).toEqual({
      decision: "allow",
      reason: "",
      audit: {
        scope: "session",
        tool_name: "bash",
        tool_call_id: "call-bash",
        decision: "allow",
        base_decision: "allow",
        effective_mode: "default",
      },
    });
  });

  it("03-R22: an explicit deny survives every mode, and the mode had no part in it", () => {
    for (const mode of MODES) {
      const { decision, audit } = decide("read_file", mode, [
        rule("user", "read_file", "deny", "no reading"),
      ]);
      expect(decision).toBe("deny");
      expect(audit).toMatchObject({ decision: "deny", base_decision: "deny", reason: "no reading" });
      expect(audit).not.toHaveProperty("mode_effect");
    }
  });

  it("give their reason to whoever is asked, and a default one otherwise", () => {
    expect(decide("bash", "default").reason).toBe("approval required");
    expect(decide("bash", "default", [rule("user", "bash", "ask", "shell access")]).reason).toBe(
      "shell access",
    );
    expect(decide("bash", "plan").reason).toContain("plan mode");
    expect(decide("bash", "dontAsk").reason).toContain("dontAsk");
  });

  it.each(["", "a*b", "*a", "a**"])("are refused with the pattern '%s'", (pattern) => {
    expect(() => createAuthority({ defaults: [rule("user", pattern, "allow")] })).toThrow(
      "not a tool name pattern",
    );
  });

  it("03-R22: no mode makes an ask or a deny of an allow, but plan; and none an allow of a deny", () => {
    const behavior = fc.constantFrom("allow", "ask", "deny");
    fc.assert(
      fc.property(
        behavior,
        fc.constantFrom(...MODES),
        fc.constantFrom("bash", "edit_file"),
        (base, mode, name) => {
          const { decision } = decide(name, mode, [rule("user", "*", base)]);
          if (base === "deny") expect(decision).toBe("deny");
          if (base === "allow" && mode !== "plan") expect(decision).toBe("allow");
        },
      ),
    );
  });
});

const saw = (
  scope: PermissionScope,
  behavior: PermissionRule["behavior"],
  ...argvs: string[]
): PermissionRule => ({
  scope,
  tool_name_pattern: "bash",
  behavior,
  match: { command: argvs.map((argv) => ({ argv: argv.split(" ") })) },
});

describe("03-A7 rules that see the input", () => {
  const rules = [saw("user", "allow", "git **"), saw("user", "deny", "git push **", "rm **")];

  it.each([
    ["git status", "allow"],
    ["git push origin main", "deny"],
    ["git status && git push", "deny"],
    ["git log | wc -l", "ask"],
    ["rm -rf x", "deny"],
    ["ls; rm x", "deny"],
    ["sudo rm x", "deny"],
    ["git $SUB", "deny"],
    ["echo 'git push'", "ask"],
    ["make", "ask"],
    ["echo 'unterminated", "deny"],
  ])("%s: %s", (command, decision) => {
    expect(bash(command, rules).decision).toBe(decision);
  });

  it("of the same name one that sees the input goes before one that does not", () => {
    const plain: PermissionRule = rule("user", "bash", "deny");
    expect(bash("git status", [plain, saw("user", "allow", "git status")]).decision).toBe("allow");
    expect(bash("make", [plain, saw("user", "allow", "git status")]).decision).toBe("deny");
  });

  it("03-R20 the name is looked at first, and the scope before it", () => {
    const narrow = { ...saw("user", "deny", "git push **"), tool_name_pattern: "*" };
    expect(bash("git push", [narrow, rule("user", "bash", "allow")]).decision).toBe("allow");
    expect(
      bash("git push", [saw("session", "allow", "git **"), saw("user", "deny", "git push")]).decision,
    ).toBe("allow");
  });

  it("names the rule in the audit", () => {
    const [allowed] = rules;
    const { audit } = bash("git status", [{ ...allowed, rule_id: "rule-7" } as PermissionRule]);
    expect(audit).toMatchObject({
      matched_rule_pattern: "bash",
      matched_rule_id: "rule-7",
      matched_rule_origin: "static",
    });
  });
});

describe("03-A5 what was answered before", () => {
  const answer = (more: Partial<PermissionRule>): PermissionRule => ({
    scope: "session",
    tool_name_pattern: "bash",
    behavior: "allow",
    origin: "remembered",
    input_digest: "digest-of-the-input",
    approved_by: ["ann"],
    ...more,
  });

  it("answers what would be asked, and says so", () => {
    const { decision, audit } = bash("make", [answer({ rule_id: "rule-1" })]);
    expect(decision).toBe("allow");
    expect(audit).toMatchObject({ matched_rule_origin: "remembered", matched_rule_id: "rule-1" });
    expect(bash("make", [answer({ behavior: "deny" })]).decision).toBe("deny");
  });

  it("holds for the same input alone", () => {
    expect(bash("make", [answer({ input_digest: "another" })]).decision).toBe("ask");
  });

  it("outranks no deny of any scope", () => {
    for (const scope of ["user", "project", "session"] as const)
      expect(bash("make", [answer({}), rule(scope, "bash", "deny")]).decision).toBe("deny");
  });

  it("a no outweighs a yes, whichever came first", () => {
    const both = [answer({}), answer({ behavior: "deny" })];
    expect(bash("make", both).decision).toBe("deny");
    expect(bash("make", both.toReversed()).decision).toBe("deny");
  });

  it("counts for a rule that wants several people only when as many have said it", () => {
    const two = { ...rule("user", "bash", "ask"), required_approvals: 2 };
    expect(bash("make", [two, answer({})])).toMatchObject({ decision: "ask", required_approvals: 2 });
    expect(bash("make", [two, answer({ approved_by: ["ann", "bob"] })]).decision).toBe("allow");
  });

  it("03-R22 lets through under dontAsk what somebody has allowed, and nothing more while planning", () => {
    const under = (mode: PermissionMode) =>
      createAuthority().decide(call("bash"), context(mode, [answer({})]));
    expect(under("dontAsk").decision).toBe("allow");
    expect(under("plan").decision).toBe("deny");
  });
});

describe("03-R26 the mode of a child", () => {
  const ORDER = ["deny", "ask", "allow"];
  const modes = fc.constantFrom(...MODES);
  const tools = fc.constantFrom("bash", "edit_file", "read_file", "todo_write", "spawn_agent", "mcp__x__y");
  const base = fc.constantFrom("allow", "ask", "deny");

  it("03-R26: no call of a child is decided more permissively than its parent's would be", () => {
    fc.assert(
      fc.property(
        modes,
        fc.option(modes, { nil: undefined }),
        tools,
        base,
        (parent, wanted, tool, behavior) => {
          const mode = childMode(parent, wanted);
          if (mode === undefined) return;
          const strictness = (under: PermissionMode) =>
            ORDER.indexOf(underMode(behavior, under, tool).decision);
          expect(strictness(mode)).toBeLessThanOrEqual(strictness(parent));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("03-R26: what is refused would be more permissive somewhere", () => {
    for (const parent of MODES)
      for (const wanted of MODES) {
        if (childMode(parent, wanted) !== undefined) continue;
        const wider = ["bash", "edit_file", "exit_plan_mode", "set_channel_reaction"].some((tool) =>
          (["allow", "ask"] as const).some(
            (behavior) =>
              ORDER.indexOf(underMode(behavior, wanted, tool).decision) >
              ORDER.indexOf(underMode(behavior, parent, tool).decision),
          ),
        );
        expect(wider, `${wanted} under ${parent}`).toBe(true);
      }
  });

  it("03-R26: left out it is the parent's; a default parent has no child that edits or does all unasked", () => {
    for (const parent of MODES) expect(childMode(parent)).toBe(parent);
    expect(childMode("default", "acceptEdits")).toBeUndefined();
    expect(childMode("default", "bypassPermissions")).toBeUndefined();
    expect(MODES.map((wanted) => childMode("plan", wanted))).toEqual([
      undefined,
      undefined,
      undefined,
      "plan",
      undefined,
    ]);
  });
});
