import type { PermissionMode } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { PLAN_PROFILE, PLAN_TOOLS } from "../../src/governance/permission-modes.ts";
import { createAuthority } from "../../src/governance/permissions.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";

const tools = createBuiltinTools({ hostEnv: {} }).all();
const authority = createAuthority();

function decision(name: string, mode: PermissionMode): string {
  const context = { mode, rules: [], inputDigest: () => "", workspaceRoot: "/ws" };
  return authority.decide({ id: "call", name, input: {} }, context).decision;
}

/** What a tool that needs so much may be besides: one table for what each declares of itself and what it is allowed. */
const ALLOWED = {
  read_only: {
    effects: ["read"],
    parallel: [true],
    boundary: "outward",
    byDefault: ["allow"],
    planning: ["allow"],
  },
  network_enabled: {
    effects: ["read"],
    parallel: [true],
    boundary: "outward",
    byDefault: ["allow"],
    planning: ["allow"],
  },
  workspace_write: {
    effects: ["once"],
    parallel: [false],
    boundary: "outward",
    byDefault: ["ask"],
    planning: ["deny"],
  },
  inherited: {
    effects: ["read", "idempotent"],
    parallel: [true, false],
    boundary: "internal",
    byDefault: ["allow", "ask"],
    planning: ["allow", "ask", "deny"],
  },
} as const;

describe("what each built-in tool says of itself", () => {
  test.each(tools.map((tool) => [tool.name, tool] as const))(
    "%s says nothing that contradicts itself",
    (name, tool) => {
      const row = ALLOWED[tool.sandbox];
      expect(row.effects, "effect").toContain(tool.effect);
      expect(row.parallel, "parallel").toContain(tool.allowsParallel);
      expect(tool.boundary === "internal" ? "internal" : "outward", "boundary").toBe(row.boundary);
      expect(tool.boundary, "said, and not left out").toBeDefined();
      expect(row.byDefault, "by default").toContain(decision(name, "default"));
      expect(row.planning, "while planning").toContain(decision(name, "plan"));
      expect(tool.timeoutMs).toBeGreaterThan(0);
      // Only what is read is made again by itself beside others.
      if (tool.allowsParallel) expect(tool.effect).toBe("read");
    },
  );

  test("03-R22 accepting edits is about the tools that write files, and all of them", () => {
    const edits = tools.filter(
      ({ boundary }) => typeof boundary === "function" && boundary({}).kind === "file_write",
    );
    const accepted = tools.filter(
      ({ name }) => decision(name, "default") === "ask" && decision(name, "acceptEdits") === "allow",
    );
    expect(accepted).toEqual(edits);
    expect(edits.map(({ name }) => name)).toEqual(["apply_patch", "edit_file", "write_file"]);
  });

  test("03-R23 the profile of a planner offers nothing that the mode denies", () => {
    expect([...PLAN_PROFILE].filter((name) => !PLAN_TOOLS.has(name))).toEqual([]);
    expect([...PLAN_PROFILE].filter((name) => decision(name, "plan") === "deny")).toEqual([]);
    const denied = tools.filter(({ name }) => decision(name, "plan") === "deny").map(({ name }) => name);
    expect(denied.filter((name) => PLAN_TOOLS.has(name))).toEqual([]);
    expect(denied).toContain("apply_patch");
  });
});
