import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bash, script } from "../../sdk/test/support/daemon.ts";
import { buildConsole, Operator } from "./support/operator.ts";

const QUESTION = {
  name: "ask_user_question",
  input: {
    questions: [
      {
        header: "Depth",
        question: "How deep shall I dig?",
        options: [
          { label: "Shallow", description: "an hour" },
          { label: "Deep", description: "a day" },
        ],
        multi_select: false,
      },
    ],
  },
};

beforeAll(() => buildConsole());

describe("the console of a daemon", () => {
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive();
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  const heading = (name: string | RegExp) => at.page.getByRole("heading", { name, level: 1 });
  const run = (session: string, ...turns: object[]) =>
    at.kheish.responses.create({ session, prompt: script(...turns) });

  test("the dashboard shows what runs, waits and ran, and keeps up by itself", async () => {
    await at.goto("/");
    await at.page.getByRole("button", { name: "Skip the tour" }).click();
    await at.page.getByText("No run yet.").waitFor();
    await (await at.kheish.responses.create({ session: "first", prompt: "hello" })).wait();
    await at.page.getByRole("link", { name: /run-1/ }).getByText("completed").waitFor();
    const waiting = await run("second", bash("true"), { text: "done" });
    await waiting.waitUntilBlocked();
    const figure = at.page.locator("dl > div", { hasText: "Waiting for you" });
    await figure.getByText("1", { exact: true }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("dashboard");
    await waiting.cancel();
    await figure.getByText("0", { exact: true }).waitFor();
  });

  test("08-S4 every page survives a hard refresh", async () => {
    const { id } = await at.kheish.responses.create({ session: "kept/odd name", prompt: "hi" });
    const pages: [string, string | RegExp][] = [
      ["/", "Dashboard"],
      ["/inbox", "Inbox"],
      ["/runs", "Runs"],
      [`/runs/${id}`, new RegExp(id)],
      ["/sessions", "Sessions"],
      [`/sessions/${encodeURIComponent("kept/odd name")}/chat`, "kept/odd name"],
      ["/playground", "Playground"],
      [`/playground/${encodeURIComponent("kept/odd name")}`, /^Playground/],
      ["/welcome", "Welcome to Kheish"],
      ["/welcome/secrets", "Welcome to Kheish"],
    ];
    for (const [path, name] of pages) {
      await at.goto(path);
      await heading(name).waitFor();
    }
  });

  test("the inbox: an approval is edited and given by keyboard, the next one denied", async () => {
    const edited = await run("edits", bash("echo from-model"), { text: "{{last_tool_output}}" });
    await edited.waitUntilBlocked();
    const denied = await run("denies", bash("echo x\n# the second line"), { text: "{{last_tool_output}}" });
    await denied.waitUntilBlocked();
    await at.goto("/inbox");
    await at.page.getByText("echo from-model").waitFor();
    await at.page.getByText("echo x").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("inbox");

    // Text as it is, over several lines where it has them.
    await at.page.getByText("echo x\n# the second line").waitFor();
    await at.page.keyboard.press("j");
    await at.page.keyboard.press("e");
    await at.page.getByLabel("Input").fill('{"command":"echo from-human"}');
    await at.page.getByRole("button", { name: "Approve as edited" }).click();
    expect((await edited.wait()).output_text).toContain("from-human");

    await at.page.getByText("from-model").waitFor({ state: "detached" });
    await at.page.keyboard.press("j");
    await at.page.keyboard.press("d");
    expect((await denied.wait()).output_text).toContain("denied");
    await at.page.getByText("Nothing waits for you.").waitFor();
  });

  test("the inbox: a question is answered", async () => {
    const asking = await run("asks", { tool_calls: [QUESTION] }, { text: "{{last_tool_output}}" });
    await asking.waitUntilBlocked();
    await at.goto("/inbox");
    await at.page.getByRole("radio", { name: "Deep" }).check();
    await at.picture("question");
    await at.page.getByRole("button", { name: "Answer" }).click();
    expect((await asking.wait()).output_text).toContain("Deep");
    await at.page.getByText("Nothing waits for you.").waitFor();
  });

  test("what waits for so long only says until when, and what comes then", async () => {
    const session = await at.kheish.sessions.create({ session: "expires" });
    const operator = { enabled: true, approval_timeout_ms: 3_600_000 };
    await at.kheish.api.putOperator({ params: { session_id: session.id }, body: { operator } });
    const expiring = await run("expires", bash("true"));
    await expiring.waitUntilBlocked();
    await at.goto("/inbox");
    await at.page.getByText(/Waits until .*, then it is denied/).waitFor();
  });

  test("08-R5 who is slower is told that it was resolved already", async () => {
    const raced = await run("raced", bash("true"), { text: "done" });
    const [request] = (await raced.waitUntilBlocked()).pending_approvals;
    await at.goto("/inbox");
    const approve = at.page.getByRole("button", { name: "Approve" });
    await approve.waitFor();
    // The other decision overtakes this one on its way: the page has not heard of it when it sends.
    await at.page.route("**/approvals", async (route) => {
      await raced.deny(request?.id ?? "");
      await route.continue();
    });
    await approve.click();
    await at.page.getByText(`${raced.id}: already resolved, denied by anonymous.`).waitFor();
    await at.page.unrouteAll({ behavior: "ignoreErrors" });
    await at.page.getByText("Nothing waits for you.").waitFor();
    await raced.wait();
  });

  test("08-R4 a run is watched through the daemon's death: the page is not reloaded, the timeline is complete", async () => {
    // The second ends with the daemon, not by itself: however late the page is, it is under way then.
    const steps = [bash("echo one > one"), bash("sleep 600; echo two > two"), { text: "one is written" }];
    const watched = await run("watched", ...steps);
    await watched.waitUntilBlocked();
    await at.goto(`/runs/${watched.id}`);
    await at.page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    const timeline = at.page.getByRole("region", { name: "Timeline" });
    await at.page.getByRole("button", { name: "Approve" }).click();
    await watched.waitUntilBlocked();
    await at.page.getByText("sleep 600").waitFor();
    await at.page.getByRole("button", { name: "Approve" }).click();
    await timeline.getByRole("button", { name: /^bash/ }).nth(1).waitFor();
    await at.live.daemon.kill();
    await at.page.getByText("The daemon is away.").waitFor();
    await at.live.daemon.restart();
    await at.page.getByText("one is written").last().waitFor();

    expect(await at.page.evaluate(() => Reflect.get(globalThis, "sameDocument"))).toBe(true);
    await heading(/completed/).waitFor();
    const bars = async () => {
      const kinds = await timeline
        .locator("[data-kind]")
        .evaluateAll((rows) =>
          rows.map((row) => (row as unknown as { dataset: { kind: string } }).dataset.kind),
        );
      return kinds.toSorted();
    };
    await expect.poll(bars).toEqual(["model", "model", "model", "restart", "tool", "tool", "wait", "wait"]);

    await timeline.getByRole("button", { name: /^bash/ }).first().click();
    for (const part of ["Input", "Effect", "Permission", "Ledger", "Output"])
      await timeline.getByRole("term").getByText(part, { exact: true }).waitFor();
    await timeline.getByText("echo one > one").first().waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("run");
    expect(await readFile(join(at.live.workspace, "one"), "utf8")).toBe("one\n");
  });

  test("what the stream has said is not taken back by an answer that was on its way", async () => {
    const moved = await run("moved", bash("echo first"), bash("echo second"), { text: "both said" });
    await moved.waitUntilBlocked();
    await at.goto(`/runs/${moved.id}`);
    await at.page.getByText("echo first", { exact: true }).waitFor();
    // What the page reads after its decision was answered while the run was not yet waiting again, and comes late.
    const running = (await at.kheish.runs.get(moved.id)).view;
    const isShown = at.page.getByText("echo second", { exact: true });
    let isHeldBack = false;
    await at.page.route(`**/v1/runs/${moved.id}`, async (route) => {
      if (isHeldBack) return route.continue();
      isHeldBack = true;
      await isShown.waitFor();
      await route.fulfill({ json: { ...running, status: "running", pending_approvals: [] } }).catch(() => {});
    });
    await at.page.getByRole("button", { name: "Approve" }).click();
    await isShown.waitFor();
    await expect.poll(() => isHeldBack).toBe(true);
    await at.page.unrouteAll({ behavior: "wait" });
    await at.page.getByRole("button", { name: "Approve" }).click();
    expect((await moved.wait()).output_text).toBe("both said");
  });

  test("what was read before the stream began, and comes after it, is read again", async () => {
    const early = await run("early", bash("echo early"), { text: "moved on" });
    await early.waitUntilBlocked();
    const moved = Promise.withResolvers<void>();
    const isOpen = at.page.waitForResponse("**/v1/events/stream*");
    let readings = 0;
    // The shell's, and then the stream's own: where the journal ends.
    await at.page.route("**/v1/status", async (route) => {
      readings += 1;
      if (readings > 1) await moved.promise;
      await route.continue();
    });
    await at.page.route(
      `**/v1/runs/${early.id}`,
      async (route) => {
        const response = await route.fetch();
        await early.approveAll();
        await early.wait();
        moved.resolve();
        await isOpen;
        await route.fulfill({ response });
      },
      { times: 1 },
    );
    await at.goto(`/runs/${early.id}`);
    await heading(/completed/).waitFor();
  });

  test("a page that nobody sees holds no stream, and goes on without a gap when somebody does", async () => {
    const hidden = await run("hidden", bash("echo a"), bash("echo b"), { text: "seen in the end" });
    await hidden.waitUntilBlocked();
    await at.goto(`/runs/${hidden.id}`);
    const rows = at.page.getByRole("region", { name: "Timeline" }).locator("[data-kind]");
    await rows.nth(1).waitFor();
    const streams = async () => (await at.kheish.api.status()).events.subscriber_count;
    await expect.poll(streams).toBe(2);
    const show = (isHidden: boolean) =>
      at.page.evaluate(`Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await show(true);
    await expect.poll(streams).toBe(0);
    await hidden.approveAll();
    await hidden.waitUntilBlocked();
    await hidden.approveAll();
    await hidden.wait();
    await show(false);
    await at.page.getByText("seen in the end").last().waitFor();
    const bars = () =>
      rows.evaluateAll((all) =>
        all.map((row) => (row as unknown as { dataset: { kind: string } }).dataset.kind).toSorted(),
      );
    await expect.poll(bars).toEqual(["model", "model", "model", "tool", "tool", "wait", "wait"]);
  });

  test("the list of runs leads to each", async () => {
    await at.goto("/runs");
    await at.page.getByRole("link", { name: /run-1\b/ }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("runs");
    await at.page.getByRole("link", { name: /run-1\b/ }).click();
    await heading(/run-1/).waitFor();
  });

  test("a chat: words come as they are written, an approval stands in its place, the daemon may die meanwhile", async () => {
    await at.goto("/sessions");
    await at.page.getByRole("link", { name: /first/ }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("sessions");
    await at.page.getByRole("button", { name: "New chat" }).click();
    const message = at.page.getByLabel("Message");
    await message.fill("hello there");
    await message.press("Enter");
    const said = at.page.getByRole("list", { name: "Conversation" }).locator('[data-who="agent"]');
    await said.getByText("hello there").waitFor();
    // The answer may be here before the daemon's word that it took the message.
    await expect.poll(() => message.inputValue()).toBe("");

    await message.fill(
      script(bash("echo hi"), { text: "slow ".repeat(30).trim(), chunks: 30, chunk_delay_ms: 40 }),
    );
    await message.press("Enter");
    await at.page.getByRole("button", { name: "Approve" }).click();
    await said.getByText(/^slow slow/).waitFor();
    await at.live.daemon.kill();
    await at.live.daemon.restart();
    await said.getByText("slow ".repeat(30).trim(), { exact: true }).waitFor();
    await at.page.getByRole("button", { name: "Approve" }).waitFor({ state: "detached" });
    expect(await at.barriers()).toEqual([]);
    await at.picture("chat");
  });

  test("what is typed while a message is on its way is not taken away with it", async () => {
    const { id } = await at.kheish.sessions.create({});
    await at.goto(`/sessions/${id}/chat`);
    const message = at.page.getByLabel("Message");
    const typed = Promise.withResolvers<void>();
    await at.page.route("**/v1/sessions/*/runs", async (route) => {
      await typed.promise;
      await route.continue();
    });
    await message.fill("the first");
    await message.press("Enter");
    await expect.poll(() => at.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await message.fill("the second");
    typed.resolve();
    await expect.poll(() => at.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(false);
    await message.press("Enter");
    const said = at.page.getByRole("list", { name: "Conversation" }).locator('[data-who="agent"]');
    for (const text of ["the first", "the second"]) await said.getByText(text).waitFor();
    await expect.poll(() => message.inputValue()).toBe("");
  });

  test("first load is small", async () => {
    const html = await (await fetch(`${at.live.daemon.baseUrl}/`)).text();
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(assets.length).toBeGreaterThan(1);
    let compressed = 0;
    for (const path of assets) {
      const answer = await fetch(at.live.daemon.baseUrl + path);
      expect(answer.headers.get("content-encoding")).toBe("gzip");
      expect(answer.headers.get("cache-control")).toContain("immutable");
      compressed += gzipSync(new Uint8Array(await answer.arrayBuffer())).byteLength;
    }
    expect(compressed, `${compressed} bytes`).toBeLessThan(250_000);
  });
});

describe("the console of a daemon with a token", () => {
  const TOKEN = "an-operator-token";
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive({ token: TOKEN, flags: ["--http-readonly-token", "a-reader-token"] });
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  async function signIn(token: string): Promise<void> {
    await at.goto("/inbox");
    await at.signIn(token);
  }

  test("08-S7 the shell loads without one and asks; a wrong one is refused with the daemon's words", async () => {
    await at.goto("/");
    await at.page.getByLabel("Token", { exact: true }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("sign-in");
    await at.page.getByLabel("Token", { exact: true }).fill("wrong");
    await at.page.getByRole("button", { name: "Sign in" }).click();
    await at.page.getByRole("alert").getByText("not one of this daemon's").waitFor();
  });

  test("the token stays in the page's memory: a reload asks again, and no storage holds it", async () => {
    await signIn(TOKEN);
    await at.page.getByRole("heading", { name: "Inbox" }).waitFor();
    const stored = await at.page.evaluate(() => {
      const page = globalThis as unknown as {
        localStorage: object;
        sessionStorage: object;
        document: { cookie: string };
      };
      return JSON.stringify([page.localStorage, page.sessionStorage, page.document.cookie]);
    });
    expect(stored).not.toContain(TOKEN);
    await at.page.reload();
    await at.page.getByLabel("Token", { exact: true }).waitFor();
  });

  test("who decided is recorded as who was signed in", async () => {
    const run = await at.kheish.responses.create({
      session: "s",
      prompt: script(bash("true"), { text: "done" }),
    });
    await run.waitUntilBlocked();
    await signIn(TOKEN);
    await at.page.getByRole("button", { name: "Approve" }).click();
    await run.wait();
    const decided = (await run.events()).find(({ event }) => event.type === "approval_resolved");
    expect(decided?.event).toMatchObject({ decided_by: "admin-token" });
  });

  test("08 who wants to stays signed in: a reload does not ask, no script sees what it is by, signing out ends it", async () => {
    await at.goto("/inbox");
    await at.signIn(TOKEN, { stay: true });
    await at.page.reload();
    await at.page.getByRole("heading", { name: "Inbox" }).waitFor();
    expect(await at.page.evaluate("document.cookie")).toBe("");
    const held = await at.page.evaluate("JSON.stringify(localStorage)");
    expect(held).not.toContain(TOKEN);
    const cookies = await at.page.context().cookies(`${at.live.daemon.baseUrl}/v1/status`);
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Strict", path: "/v1" }]);
    expect(held).not.toContain(cookies[0]?.value);

    await at.page.getByRole("button", { name: "Sign out" }).click();
    await at.page.getByLabel("Token", { exact: true }).waitFor();
    await at.page.reload();
    await at.page.getByLabel("Token", { exact: true }).waitFor();
    expect(await at.page.context().cookies(`${at.live.daemon.baseUrl}/v1/status`)).toEqual([]);
  });

  test("08 who stays signed in with a token that is revoked is asked again", async () => {
    const { secret, token_id } = await at.kheish.api.createToken({
      body: { name: "short", verbs: ["read", "write"], resources: ["*"] },
    });
    await at.goto("/settings");
    await at.signIn(secret, { stay: true });
    await at.page.getByText("token:short").waitFor();
    await at.kheish.api.revokeToken({ params: { token_id } });
    await at.page.reload();
    await at.page.getByLabel("Token", { exact: true }).waitFor();
  });

  test("08-R7 a reader sees every page, and is offered nothing that it may not do", async () => {
    const run = await at.kheish.responses.create({
      session: "r",
      prompt: script(bash("true"), { text: "done" }),
    });
    await run.waitUntilBlocked();
    await at.goto("/inbox");
    await at.signIn("a-reader-token", { stay: true });
    const approve = at.page.getByRole("button", { name: "Approve" });
    await approve.waitFor();
    // Until the daemon has said who looks, nothing is known against it.
    await expect.poll(() => approve.isDisabled()).toBe(true);
    expect(await approve.getAttribute("title")).toContain("takes a token with the verb 'write'");
    const tabs = "routes mcp secrets permissions budgets tokens settings hooks".split(" ");
    const pages: [path: string, heading: string | RegExp][] = [
      ["/", "Dashboard"],
      ["/inbox", "Inbox"],
      ["/runs", "Runs"],
      [`/runs/${run.id}`, new RegExp(run.id)],
      ["/sessions", "Sessions"],
      ["/sessions/r/chat", "r"],
      ...tabs.map((tab): [string, string] => [`/runtime/${tab}`, "Runtime"]),
      ["/library", "Library"],
      ["/logs", "Logs"],
      ["/docs", "Documentation"],
      ["/settings", "Settings"],
    ];
    for (const [path, heading] of pages) {
      await at.goto(path);
      await at.page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await at.page.getByText("You look with a token that reads only (read-token)").waitFor();
      await expect.poll(() => at.page.getByRole("status", { name: "Loading" }).count()).toBe(0);
      const offered = await at.page.locator("main [data-verb]:not([data-verb=read]):enabled").all();
      expect(await Promise.all(offered.map((one) => one.innerText())), path).toEqual([]);
    }
    await at.goto("/runtime/secrets");
    await at.page.getByRole("alert").getByText("the read-only token cannot do this").waitFor();
    await at.goto("/runtime/routes");
    await at.page.getByRole("row", { name: /simulator/ }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("reader");
  });
});
