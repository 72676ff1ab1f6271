import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildConsole, Operator } from "./support/operator.ts";

/** A daemon with this can keep secrets; it inherits the environment of this process. */
process.env.KHEISH_AUTH_STORE_MASTER_KEY = "m".repeat(32);

/** The pages about the daemon itself, with what stands on each when it is there. */
const TABS = [
  ["routes", "simulator"],
  ["mcp", "No MCP server"],
  ["secrets", "tools.weather"],
  ["permissions", "no-curl"],
  ["budgets", "every-month"],
  ["tokens", "ana"],
  ["settings", "permission mode"],
  ["hooks", "watch-bash"],
] as const;

const ADMIN = "an-operators-token";
const READER = "a-readers-token";

beforeAll(() => buildConsole());

describe("the pages about the daemon", () => {
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive({ token: ADMIN, flags: ["--http-readonly-token", READER] });
    await furnish(at);
    await at.goto("/");
    await at.signIn(ADMIN, { stay: true });
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  test.each(TABS)("08-S4 /runtime/%s is there after a hard refresh, for everybody", async (tab, text) => {
    await at.goto(`/runtime/${tab}`);
    await at.page.getByRole("heading", { name: "Runtime", level: 1 }).waitFor();
    await at.page.getByText(text).first().waitFor();
    await at.openAll();
    expect(await at.barriers()).toEqual([]);
    await at.picture(`runtime-${tab}`);
  });

  test.each([
    ["/docs", "Documentation"],
    ["/docs/operations/metrics", "Metrics"],
    ["/library", "Library"],
    ["/logs", "Logs"],
    ["/settings", "Settings"],
  ])("08-S4 %s is there after a hard refresh, for everybody", async (path, name) => {
    await at.goto(path);
    await at.page.getByRole("heading", { name, level: 1 }).waitFor();
    if (path === "/logs") await at.page.getByRole("button", { name: /kheish is ready/ }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture(path.slice(1).replaceAll("/", "-"));
  });
});

/** One of everything that the pages show. */
async function furnish({ kheish: { api } }: Operator): Promise<void> {
  await api.putSecret({
    body: {
      slot_id: "tools.weather",
      provider: "generic",
      mode: "opaque_secret",
      state: { value: "not-a-real-secret" },
    },
  });
  await api.createPermissionRule({
    body: {
      rule_id: "no-curl",
      scope: "user",
      tool_name_pattern: "bash",
      behavior: "deny",
      match: { command: [{ argv: ["curl", "**"] }] },
      reason: "ask the people of the network first",
    },
  });
  await api.createBudget({
    body: {
      budget_id: "every-month",
      scope: { kind: "daemon" },
      window: { kind: "month" },
      limits: { total_tokens: 2_000_000, model_calls: 500 },
    },
  });
  await api.createToken({ body: { name: "ana", verbs: ["read", "write"], resources: ["sessions/ana-*"] } });
  await api.setPermissionMode({ body: { mode: "acceptEdits", reason: "the week of the release" } });
  await api.setPermissionMode({ body: { mode: "default" } });
  await api.putHooks({
    body: {
      hooks: {
        pre_tool_use: [
          { name: "watch-bash", matcher: "bash", executor: { type: "command", command: "/usr/bin/true" } },
        ],
      },
    },
  });
}
