import type { PermissionRule } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { fakeDaemon, json, problem } from "../../testing/fake-daemon.ts";
import { kheish } from "../../testing/run-cli.ts";
import { NOW } from "../../testing/samples.ts";

const RULE: PermissionRule = {
  rule_id: "git-reads",
  scope: "user",
  tool_name_pattern: "bash",
  match: { command: [{ argv: ["git", "status", "**"] }] },
  behavior: "allow",
  expires_at_ms: NOW + 3_600_000,
  origin: "operator",
  created_by: "admin-token",
  created_at_ms: NOW,
  updated_by: "token:ann",
  updated_at_ms: NOW - 60_000,
  revision: 3,
};
const KEPT: PermissionRule = {
  ...RULE,
  rule_id: "rule-2",
  scope: "session",
  session_id: "s",
  run_id: "run-1",
  input_digest: "0123456789abcdef".repeat(4),
  origin: "remembered",
  approval_request_id: "approval-bash-1-00000000",
  approved_by: ["token:ann", "token:bob"],
};
const ALL = "/v1/runtime/permissions/rules";
const OWN = "/v1/sessions/s/permissions/rules";
const HOUR = 3_600_000;

const rules = (baseUrl: string, argv: readonly string[], setup = {}) =>
  kheish(["--base-url", baseUrl, "runtime", "permissions", "rules", ...argv], setup);

describe("runtime permissions rules", () => {
  const bash = { tool_name_pattern: "bash", behavior: "deny" };

  it.each([
    [["list"], `GET ${ALL}`, "", { rules: [RULE] }],
    [["list", "--session-id", "s"], `GET ${OWN}`, "", { rules: [KEPT] }],
    [["add", "--tool", "bash", "--behavior", "deny"], `POST ${ALL}`, bash, RULE],
    [
      ["add", "--tool", "bash", "--behavior", "deny", "--rule-id", "r", "--scope", "project"],
      `POST ${ALL}`,
      { ...bash, rule_id: "r", scope: "project" },
      RULE,
    ],
    [["add", "--tool", "bash", "--behavior", "deny", "--session-id", "s"], `POST ${OWN}`, bash, KEPT],
    [
      [
        "set",
        "r",
        "--tool",
        "bash",
        "--behavior",
        "deny",
        "--command",
        "git status **",
        "ls",
        "--path",
        "out/**",
      ],
      `PUT ${ALL}/r`,
      {
        ...bash,
        match: { command: [{ argv: ["git", "status", "**"] }, { argv: ["ls"] }], path: ["out/**"] },
      },
      RULE,
    ],
    [
      [
        "set",
        "r",
        "--tool",
        "web_fetch",
        "--behavior",
        "ask",
        "--host",
        "*.x.y",
        "--required-approvals",
        "2",
      ],
      `PUT ${ALL}/r`,
      { tool_name_pattern: "web_fetch", behavior: "ask", match: { host: ["*.x.y"] }, required_approvals: 2 },
      RULE,
    ],
    [
      [
        "set",
        "r",
        "--session-id",
        "s",
        "--tool",
        "bash",
        "--behavior",
        "deny",
        "--match-json",
        '{"path":["a"]}',
      ],
      `PUT ${OWN}/r`,
      { ...bash, match: { path: ["a"] } },
      KEPT,
    ],
    [
      ["set", "r", "--tool", "bash", "--behavior", "deny", "--reason", "no", "--expected-revision", "3"],
      `PUT ${ALL}/r`,
      { ...bash, reason: "no", expected_revision: 3 },
      RULE,
    ],
    [["delete", "r"], `DELETE ${ALL}/r`, "", { accepted: true }],
    [["delete", "r", "--session-id", "s"], `DELETE ${OWN}/r`, "", { accepted: true }],
  ])("%j", async (argv, request, body, answer) => {
    const daemon = await fakeDaemon({ [request]: json(answer) });
    const { code, stdout, stderr } = await rules(daemon.baseUrl, argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(answer);
    expect(daemon.requests.at(-1)?.body ?? "").toEqual(body);
  });

  it("--expires-in counts from now, and a deletion names the revision it knows", async () => {
    const daemon = await fakeDaemon({
      [`PUT ${ALL}/r`]: json(RULE),
      [`DELETE ${ALL}/r`]: json({ accepted: true }),
    });
    await rules(daemon.baseUrl, ["set", "r", "--tool", "bash", "--behavior", "allow", "--expires-in", "1h"]);
    expect(daemon.requests.at(-1)?.body).toMatchObject({ expires_at_ms: NOW + HOUR });
    await rules(daemon.baseUrl, ["delete", "r", "--expected-revision", "3"]);
    expect(daemon.requests.at(-1)?.url).toContain("expected_revision=3");
  });

  it.each([
    [["add", "--tool", "bash"]],
    [["add", "--behavior", "deny"]],
    [["add", "--tool", "bash", "--behavior", "maybe"]],
    [["add", "--tool", "bash", "--behavior", "deny", "--session-id", "s", "--scope", "user"]],
    [["add", "--tool", "bash", "--behavior", "deny", "--match-json", "{}"]],
    [["add", "--tool", "bash", "--behavior", "deny", "--path", "a", "--match-json", '{"path":["a"]}']],
    [["set", "--tool", "bash", "--behavior", "deny"]],
  ])("%j is refused before anything is sent", async (argv) => {
    const daemon = await fakeDaemon({});
    expect((await rules(daemon.baseUrl, argv)).code).toBe(2);
    expect(daemon.requests).toEqual([]);
  });

  it("ends with the exit code of the refusal", async () => {
    const refused = problem(409, "permission_rule_revision_conflict", "at revision 4");
    const daemon = await fakeDaemon({ [`PUT ${ALL}/r`]: refused });
    expect((await rules(daemon.baseUrl, ["set", "r", "--tool", "x", "--behavior", "ask"])).code).toBe(6);
  });

  it("shows on a terminal who made a rule and what it wants", async () => {
    const daemon = await fakeDaemon({
      [`GET ${OWN}`]: json({ rules: [RULE, KEPT] }),
      [`PUT ${OWN}/r`]: json({ ...KEPT, behavior: "ask", required_approvals: 2 }),
    });
    const wide = { columns: 160, env: { NO_COLOR: "1" } };
    const { stdout } = await rules(daemon.baseUrl, ["list", "--session-id", "s"], wide);
    expect(stdout).toContain("git status **");
    expect(stdout).toContain("exactly 0123456789ab");
    const shown = await rules(
      daemon.baseUrl,
      ["set", "r", "--session-id", "s", "--tool", "bash", "--behavior", "ask"],
      wide,
    );
    for (const part of ["ask 2 people", "run run-1", "token:ann, token:bob", "approval-bash-1-00000000"])
      expect(shown.stdout).toContain(part);
  });
});

describe("approvals allow --remember", () => {
  const ID = "approval-bash-1-00000000";
  const PATH = "/v1/runs/run-1/approvals";
  const decide = async (...argv: string[]) => {
    const daemon = await fakeDaemon({ [`POST ${PATH}`]: json({ run_id: "run-1", status: "running" }, 202) });
    const all = ["--base-url", daemon.baseUrl, "approvals", "allow", ID, "--run-id", "run-1", ...argv];
    const { code } = await kheish(all);
    const body = daemon.requests.at(-1)?.body as { resolutions?: { remember?: object }[] } | undefined;
    return { code, remember: body?.resolutions?.[0]?.remember };
  };

  it.each([
    [[], undefined],
    [["--remember", "run"], { scope: "run", match: "exact" }],
    [
      ["--remember", "session", "--remember-for", "1h"],
      { scope: "session", match: "exact", expires_at_ms: NOW + HOUR },
    ],
    [
      ["--remember", "session", "--remember-pattern-json", '{"match":{"path":["docs/**"]}}'],
      { scope: "session", match: "pattern", pattern: { match: { path: ["docs/**"] } } },
    ],
  ])("%j", async (argv, remember) => {
    expect((await decide(...argv)).remember).toEqual(remember);
  });

  it("says for how far, or nothing", async () => {
    expect(await decide("--remember-for", "1h")).toEqual({ code: 2, remember: undefined });
    expect((await decide("--remember", "ever")).code).toBe(2);
  });
});
