import {
  type EndpointId,
  type ExternalActionAuditRecord,
  endpoints,
  type JsonObject,
} from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServedDaemon } from "../support/served.ts";

const ADMIN = "the-admin-token-of-this-test";
const KEY = Buffer.alloc(32, 4).toString("base64");
const SECRET = "sk-a-secret-that-no-record-may-hold";
const ROUTES = 'default_route = "a"\n[routes.a]\ndriver = "simulator"\n';

interface Step {
  endpoint: EndpointId;
  params?: Record<string, string>;
  body?: object;
  /** Targets of the records that it makes. */
  targets: string[];
}

const runtime = (setting: string, body: object, ids: readonly string[]): Step[] =>
  ids.map((id) => ({
    endpoint: id as EndpointId,
    body: id.startsWith("put") || id.startsWith("patch") ? body : wrapped(setting, body),
    targets: [`runtime/${setting}`],
  }));

function wrapped(setting: string, body: object): object {
  if (["system_prompt", "hooks"].includes(setting)) return { settings: body };
  if (setting.endsWith("_policy")) return { policy: body };
  return setting === "tool_runtime_limits" ? { limits: body } : body;
}

const session = (name: string, setting: string, body: object): Step[] =>
  ["post", "put", "delete"].map((verb) => ({
    endpoint: `${verb}${name}` as EndpointId,
    params: { session_id: "s" },
    ...(verb === "delete" ? {} : { body }),
    targets: [`session/${setting}`],
  }));

const slot = { slot: "a.slot" };
const BUDGET = {
  scope: { kind: "daemon" },
  window: { kind: "day" },
  limits: { model_calls: 5 },
  on_limit: "ask",
};
const SCHEMA = {
  schema: {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  },
};

const RULE = { tool_name_pattern: "bash", behavior: "ask" };
const look = { session_id: "s", skill_name: "look" };
const sessionRule = { session_id: "s", rule_id: "sr" };

/** Every change that an operator can make. */
const STEPS: Step[] = [
  ...runtime("model", { model: "script" }, ["setModel", "putModel"]),
  ...runtime("permission_mode", { mode: "plan" }, ["setPermissionMode", "putPermissionMode"]),
  ...runtime("system_prompt", { append_prompt: SECRET }, [
    "setSystemPrompt",
    "putSystemPrompt",
    "patchSystemPrompt",
  ]),
  ...runtime("debug_level", { level: "off" }, ["setDebugLevel", "putDebugLevel"]),
  ...runtime("hooks", { hooks: {} }, ["setHooks", "putHooks", "patchHooks"]),
  ...runtime("learning_policy", { mode: "shadow" }, [
    "setLearningPolicy",
    "putLearningPolicy",
    "patchLearningPolicy",
  ]),
  ...runtime("run_memory_policy", { enabled: false }, [
    "setRunMemoryPolicy",
    "putRunMemoryPolicy",
    "patchRunMemoryPolicy",
  ]),
  ...runtime("tool_runtime_limits", { max_parallel_tools: 3 }, [
    "setToolLimits",
    "putToolLimits",
    "patchToolLimits",
  ]),
  { endpoint: "rollbackRuntime", body: { target_revision: 1 }, targets: ["runtime/rollback"] },
  {
    endpoint: "createToken",
    body: { name: "ci", verbs: ["read"], resources: ["runs/**"] },
    targets: ["tokens/<token>"],
  },
  { endpoint: "revokeToken", params: { token_id: "<token>" }, targets: ["tokens/<token>"] },
  {
    endpoint: "addRoute",
    body: { route_id: "b", provider: "openai", model: "gpt-5.4", api_key: SECRET, reason: "a second one" },
    targets: ["routes/b", "secrets/routes.b.api_key"],
  },
  {
    endpoint: "removeRoute",
    params: { route_id: "b" },
    targets: ["routes/b", "secrets/routes.b.api_key"],
  },
  { endpoint: "reloadRoutes", body: { reason: "edited" }, targets: ["routes"] },
  {
    endpoint: "putSecret",
    body: {
      slot_id: "a.slot",
      provider: "open_ai",
      mode: "api_key",
      state: { kind: "api_key", api_key: SECRET },
    },
    targets: ["secrets/a.slot"],
  },
  { endpoint: "revokeSlotLeases", params: slot, body: { reason: "leaked" }, targets: ["secrets/a.slot"] },
  { endpoint: "disableSlot", params: slot, body: { reason: "leaked" }, targets: ["secrets/a.slot"] },
  { endpoint: "enableSlot", params: slot, body: { reason: "checked" }, targets: ["secrets/a.slot"] },
  { endpoint: "deleteSecret", params: { ref: "a.slot" }, targets: ["secrets/a.slot"] },
  {
    endpoint: "rekeySecrets",
    body: { new_key: Buffer.alloc(32, 5).toString("base64") },
    targets: ["secrets/master_key"],
  },
  {
    endpoint: "revokeSubject",
    params: { subject_id: "session:s" },
    body: { reason: "odd" },
    targets: ["auth/subjects/session:s"],
  },
  {
    endpoint: "reinstateSubject",
    params: { subject_id: "session:s" },
    body: { reason: "checked" },
    targets: ["auth/subjects/session:s"],
  },
  { endpoint: "createBudget", body: { budget_id: "day", ...BUDGET }, targets: ["budgets/day"] },
  { endpoint: "setBudget", params: { budget_id: "day" }, body: BUDGET, targets: ["budgets/day"] },
  { endpoint: "deleteBudget", params: { budget_id: "day" }, targets: ["budgets/day"] },
  { endpoint: "createPermissionRule", body: { rule_id: "r", ...RULE }, targets: ["permission_rules/r"] },
  {
    endpoint: "setPermissionRule",
    params: { rule_id: "r" },
    body: RULE,
    targets: ["permission_rules/r"],
  },
  { endpoint: "deletePermissionRule", params: { rule_id: "r" }, targets: ["permission_rules/r"] },
  { endpoint: "backup", targets: ["backup"] },
  { endpoint: "pruneRuns", body: { older_than_ms: 1, dry_run: false }, targets: ["debug_evidence"] },
  {
    endpoint: "createSessionRule",
    params: sessionRule,
    body: { rule_id: "sr", ...RULE },
    targets: ["session/permission_rules/sr"],
  },
  { endpoint: "setSessionRule", params: sessionRule, body: RULE, targets: ["session/permission_rules/sr"] },
  { endpoint: "deleteSessionRule", params: sessionRule, targets: ["session/permission_rules/sr"] },
  { endpoint: "addSkill", body: { name: "look", instructions: SECRET }, targets: ["skills/look"] },
  { endpoint: "setSkill", params: look, body: { instructions: "Look." }, targets: ["skills/look"] },
  { endpoint: "activateSkill", params: look, body: { args: SECRET }, targets: ["session/active_skills"] },
  { endpoint: "deactivateSkill", params: look, targets: ["session/active_skills"] },
  { endpoint: "removeSkill", params: look, targets: ["skills/look"] },
  { endpoint: "reloadSkills", targets: ["skills"] },
  ...session("CapabilityScope", "capability_scope", { capability_scope: { mcp_tool_deny: ["*"] } }),
  ...session("CredentialScope", "credential_scope", { credential_scope: { route_deny: ["x"] } }),
  ...session("RoutePolicy", "route_policy", { route_policy: { provider: "a" } }),
  ...session("ReplyTargets", "reply_targets", { reply_targets: [] }),
  ...session("Operator", "operator", {
    operator: { enabled: true, allow_notify: true, allow_questions: true },
  }),
  ...session("ToolOverrides", "tool_overrides", { tool_overrides: { disable: ["bash"] } }),
  ...session("InputContract", "input_contract", SCHEMA),
  ...session("OutputContract", "output_contract", SCHEMA),
];

/** Changes that are told in another way, or are none. */
const OTHERS: Partial<Record<EndpointId, string>> = {
  checkPermission: "a question",
  permissionMatrix: "a question",
  createSession: "a new session's scopes can only narrow",
  endSession: "gives and takes no authority; new work reopens it",
  postPersona: "there are no personas in this version",
  putPersona: "there are no personas in this version",
  deletePersona: "there are no personas in this version",
  sessionInput: "work: the run's records are its principal's",
  submitRun: "work: the run's records are its principal's",
  createGoal: "work",
  replaceGoal: "work",
  patchGoal: "work",
  clearGoal: "work",
  interruptSession: "a record of the run, kind run_control (effects.test.ts)",
  cancelRun: "a record of the run, kind run_control (effects.test.ts)",
  cancelRunQuestion: "a record of the run, kind run_control (effects.test.ts)",
  resolveRunApprovals: "a record of the run, kind approval (effects.test.ts)",
  resolveSessionApprovals: "a record of the run, kind approval (effects.test.ts)",
  resolveSessionApprovalRuns: "a record of the run, kind approval (effects.test.ts)",
  answerRunQuestion: "a record of the run, kind question (effects.test.ts)",
  answerSessionQuestion: "a record of the run, kind question (effects.test.ts)",
  createBrowserSession: "the token's own authority on a browser; journalled (browser-sessions.test.ts)",
  endBrowserSession: "takes it back from there; journalled (browser-sessions.test.ts)",
  resolveHookDeadLetter: "puts a note aside",
  importMcpAccount: "the slot's record, as that of any other secret",
  importAccount: "the slot's record, as that of any other secret",
  refreshAccount: "a record of each request, kind token_refresh (effect-points.test.ts)",
  revokeAccount: "the slot's record, as that of any other secret",
  deleteAccount: "the slot's record, as that of any other secret",
  revokeLease: "needs a lease in use (broker.test.ts)",
  stopTask: "needs a task (test/tasks/shell-tasks.test.ts)",
  addMcpServer: "needs a server (test/mcp/calls.test.ts)",
  removeMcpServer: "needs a server (test/mcp/calls.test.ts)",
  reloadMcp: "needs servers (test/mcp/calls.test.ts)",
  callMcpTool: "a record of the request, kind mcp (test/mcp/calls.test.ts)",
};

interface Told {
  bucket: string;
  record: ExternalActionAuditRecord;
  detail?: { request_id?: string; reason?: string; change: JsonObject };
}

let daemon: ServedDaemon;
let exported: string;
let token = "";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

beforeAll(async () => {
  daemon = await ServedDaemon.start({
    store: "sqlite",
    adminToken: ADMIN,
    httpAuthMode: "auto",
    routes: ROUTES,
    env: { KHEISH_AUTH_STORE_MASTER_KEY: KEY },
  });
  await call({ endpoint: "createSession", body: { session_id: "s" }, targets: [] });
  for (const step of STEPS) await call(step);
  const answer = await fetch(`${daemon.baseUrl}/v1/audit/export`, { headers });
  const page = (await answer.json()) as { lines: string[]; next_cursor: string | null };
  expect(page.next_cursor).toBeNull();
  exported = page.lines.join("\n");
});
afterAll(() => daemon.remove());

async function call({ endpoint, params = {}, body }: Step): Promise<void> {
  const { method, path } = endpoints[endpoint];
  const url = path.replaceAll(/\{\*?(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((params[name] ?? "").replace("<token>", token)),
  );
  const answer = await fetch(`${daemon.baseUrl}${url}`, {
    method,
    headers,
    ...(method === "POST" || method === "PUT" || method === "PATCH"
      ? { body: JSON.stringify(body ?? {}) }
      : {}),
  });
  const text = await answer.text();
  expect(answer.ok, `${endpoint}: ${text.slice(0, 300)}`).toBe(true);
  if (endpoint === "createToken") token = (JSON.parse(text) as { token_id: string }).token_id;
}

function changes(bucket: string): Told[] {
  return exported
    .split("\n")
    .map((line) => JSON.parse(line) as Told & { type: string })
    .filter((line) => line.type === "record" && line.bucket === bucket);
}

describe("02 weakness 6: who changed what", () => {
  test("each endpoint that changes something is looked at here", () => {
    const changing = Object.entries(endpoints)
      .filter(([, { method }]) => method !== "GET")
      .map(([id]) => id);
    const known = new Set([
      ...STEPS.map(({ endpoint }) => endpoint as string),
      ...Object.keys(OTHERS),
      "backup",
    ]);
    expect([...known].sort()).toEqual([...changing, "backup"].sort());
  });

  test("stands in the signed audit, in the order in which it was done", () => {
    const targets = (of: (target: string) => boolean) =>
      STEPS.flatMap((step) => step.targets.map((target) => target.replace("<token>", token))).filter(of);
    const isSession = (target: string) => target.startsWith("session/");
    expect(changes("unscoped").map(({ record }) => record.target)).toEqual(
      targets((target) => !isSession(target)),
    );
    expect(changes("session-s").map(({ record }) => record.target)).toEqual(targets(isSession));
  });

  test("with the principal, the request, and the reason where one was given", () => {
    const all = [...changes("unscoped"), ...changes("session-s")];
    for (const { record, detail } of all) {
      expect(record).toMatchObject({
        kind: "admin_change",
        phase: "applied",
        principal_id: "admin-token",
        outcome: "ok",
        request_digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(detail?.request_id, record.target).toMatch(/^req/);
    }
    expect(all.flatMap(({ detail }) => (detail?.reason === undefined ? [] : [detail.reason]))).toEqual([
      "a second one",
      "edited",
      "leaked",
      "leaked",
      "checked",
      "odd",
      "checked",
    ]);
  });

  test("and no secret, nor a text of which nobody knows what it holds", () => {
    expect(exported).not.toContain(SECRET);
    expect(exported).not.toContain(KEY);
  });
});
