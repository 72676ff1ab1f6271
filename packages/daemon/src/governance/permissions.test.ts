import type { PermissionMode, PermissionScope } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLAN_TOOLS } from "./permission-modes.ts";
import { createAuthority, DEFAULT_RULES, type PermissionRule } from "./permissions.ts";

const call = (name: string) => ({ id: `call-${name}`, name, input: {} });
const rule = (
  scope: PermissionScope,
  tool_name_pattern: string,
  behavior: PermissionRule["behavior"],
  reason?: string,
): PermissionRule => ({ scope, tool_name_pattern, behavior, ...(reason === undefined ? {} : { reason }) });
const decide = (name: string, mode: PermissionMode, rules: PermissionRule[] = []) =>
  createAuthority({ rules }).decide(call(name), mode);

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
    ["todo_write", "allow", ["allow", "allow", "allow", unplanned, "allow"]],
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

  it("03-R23: list 28 tools for planning", () => {
    expect(PLAN_TOOLS.size).toBe(28);
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
    expect(authority.decide(call("bash"), "default")).toEqual({
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
    expect(() => createAuthority({ rules: [rule("user", pattern, "allow")] })).toThrow(
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
