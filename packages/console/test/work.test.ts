import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bash, runNode, script } from "../../sdk/test/support/daemon.ts";
import { buildConsole, Operator } from "./support/operator.ts";

beforeAll(() => buildConsole());

describe("work that is looked into", () => {
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive();
    await at.kheish.sessions.create({ session: "first" });
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  const run = (session: string, ...turns: object[]) =>
    at.kheish.responses.create({ session, prompt: script(...turns) });
  const heading = (name: string | RegExp) => at.page.getByRole("heading", { name, level: 1 });
  const button = (name: string | RegExp) => at.page.getByRole("button", { name, exact: true });

  test("a turn opens what the model was asked, and the page says that it is rebuilt and what of it is of now", async () => {
    const { id } = await (await run("asked", { text: "the answer" }))
      .wait()
      .then(({ run }) => ({ id: run.run_id }));
    await at.goto(`/runs/${id}`);
    await at.page.getByRole("button", { name: /^Turn 0/ }).click();
    await button("What the model was asked").click();
    const prompt = at.page.getByRole("region", { name: "Prompt of turn 0" });
    await prompt.getByText(/^Rebuilt from the journal/).waitFor();
    await prompt.getByText(/system and tools are as they would be now/).waitFor();
    await prompt.getByText('{"simulate":[{"text":"the answer"}]}', { exact: true }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("prompt");
  });

  test("a restart is marked, and says what it did about the call that was under way", async () => {
    // It ends with the daemon, not by itself: however late the page is, it is under way then.
    const cut = await run("cut", bash("sleep 600; echo two > two"), { text: "both" });
    await (await cut.waitUntilBlocked()).approveAll();
    await at.goto(`/runs/${cut.id}`);
    await at.page.getByRole("button", { name: /^bash/ }).waitFor();
    await at.live.daemon.kill();
    await at.live.daemon.restart();
    await cut.wait();
    await at.page.getByRole("button", { name: /^Restart: bash was not repeated/ }).click();
    await at.page.getByText("the model was told that its outcome is unknown").last().waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("restart");
  });

  test("a session shows what it used and what waits behind its run; each of the queue can be called off", async () => {
    const first = await run("busy", bash("true"), { text: "done" });
    await first.waitUntilBlocked();
    const second = await run("busy", { text: "second" });
    const third = await run("busy", { text: "third" });
    await at.goto("/sessions/busy/chat");
    const queue = at.page.getByRole("list", { name: "Queue" });
    await queue.getByText(second.id, { exact: true }).waitFor();
    await queue.getByText(third.id, { exact: true }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("session");
    await button(`Cancel ${second.id}`).click();
    await queue.getByText(second.id, { exact: true }).waitFor({ state: "detached" });
    expect((await second.wait()).status).toBe("cancelled");
    const aside = at.page.getByRole("complementary", { name: "The session" });
    const figure = (name: string) =>
      aside.getByRole("term").filter({ hasText: name }).locator("+ dd").textContent();
    await expect.poll(() => figure("Model calls")).toBe("1");
    await button("Approve").click();
    expect((await third.wait()).status).toBe("completed");
    await expect.poll(() => figure("Model calls")).toBe("3");
    await expect.poll(() => figure("Tool calls")).toBe("1");
    await aside.getByText(/tokens in the last call/).waitFor();
    const call = at.page.getByRole("list", { name: "Conversation" }).locator('[data-who="tool"]').first();
    await call.getByText("settled").waitFor();
    await call.getByText("bash").click();
    await call.getByText("Output").waitFor();
  });

  test("a chat: who reads at its end goes on there; who scrolled up, or opened a call, is left where that is", async () => {
    const long = { text: "line\n".repeat(60) };
    const say = async (text: string) => {
      await (await run("read", { text })).wait();
      await at.page.getByText(text, { exact: true }).waitFor();
    };
    await (await run("read", bash("true"), long)).waitUntilBlocked().then((one) => one.approveAll());
    await at.goto("/sessions/read/chat");
    const top = () => at.page.evaluate("scrollY");
    await expect.poll(top).toBeGreaterThan(500);
    const before = Number(await top());
    await say("the first that is new");
    await expect.poll(top).toBeGreaterThan(before);
    await at.page.evaluate("scrollTo(0, 0)");
    await expect.poll(top).toBe(0);
    await at.page.getByRole("list", { name: "Conversation" }).locator("summary").first().click();
    await say("the second that is new");
    expect(await top()).toBe(0);
  });

  test("a chat: who scrolls up in the moment in which it grows is left there", async () => {
    await (await run("grows", { text: "line\n".repeat(60) })).wait();
    await at.goto("/sessions/grows/chat");
    const top = () => at.page.evaluate("scrollY");
    await expect.poll(top).toBeGreaterThan(500);
    const after = await at.page.evaluate(
      `new Promise((resolve) => {
        scrollTo(0, 0);
        const list = document.querySelector('[aria-label="Conversation"]');
        list.style.minHeight = list.offsetHeight + 600 + "px";
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(scrollY)));
      })`,
    );
    expect(after).toBe(0);
  });

  test('the playground: an input is tried, the route swapped, the bench promoted; 08 "Use via SDK" runs as it stands', async () => {
    await at.kheish.api.addRoute({
      body: { route_id: "other", provider: "simulator", model: "echo" },
    });
    await at.kheish.api.setModel({ body: { provider: "simulator", model: "script" } });
    await at.goto("/playground");
    await button("A command to approve").waitFor();
    expect(await at.barriers()).toEqual([]);
    await button("A command to approve").click();
    await button("Approve").click();
    await at.page.getByText(/^It said:/).waitFor();
    const log = at.page.getByRole("list", { name: "Tool calls" });
    await log.getByText("settled").waitFor();
    await at.page.getByLabel("Route").selectOption("other");
    const bench = new URL(at.page.url()).pathname.split("/").at(-1) ?? "";
    const policy = async () => (await at.kheish.sessions.get(bench)).view.route_policy;
    await expect.poll(policy).toEqual({ provider: "other" });
    expect(await at.barriers()).toEqual([]);
    await at.picture("playground");

    await button("Use via SDK").click();
    const program = await at.page.getByRole("dialog").getByText("new Kheish").textContent();
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const ran = await runNode(["--input-type=module", "--eval", program ?? ""], { cwd });
    expect(ran).toEqual({ stdout: "What is new?\n", stderr: "", exitCode: 0 });
    await button("Close").click();

    await at.kheish.api.putInputContract({
      params: { session_id: bench },
      body: {
        schema: {
          type: "object",
          properties: { city: { type: "string" }, days: { type: "integer" } },
          required: ["city", "days"],
          additionalProperties: false,
        },
      },
    });
    await button("Use via SDK").click();
    const dialog = at.page.getByRole("dialog", { name: "Use via SDK" });
    await dialog.getByText('"city": "<city>"').waitFor();
    await dialog.getByText("what does not fit it is refused").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("sdk");
    await dialog.getByRole("button", { name: "Go", exact: true }).click();
    await dialog.getByText(/^package main/).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("sdk-go");
    await dialog.getByRole("button", { name: "curl" }).click();
    await dialog.getByText(/^curl -sS/).waitFor();
    await button("Close").click();

    await button("Promote").click();
    await at.page.getByLabel("Its name").fill("first");
    await at.page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await at.page.getByText("There is a session 'first' already.").waitFor();
    await at.page.getByLabel("Its name").fill("promoted");
    await at.page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await heading("promoted").waitFor();
    const { view } = await at.kheish.sessions.get("promoted");
    expect(view).toMatchObject({ route_policy: { provider: "other" }, input_contract: { schema: {} } });
    expect((await at.kheish.sessions.get(bench)).view.ended_reason).toBe("promoted to promoted");
  });

  test("a bench is promoted as it is, not as the page last saw it", async () => {
    const { id } = await at.kheish.sessions.create({ session: "bench-seen" });
    let isPromoted = false;
    await at.page.route(`**/v1/sessions/${id}`, async (route) => {
      if (isPromoted) return route.continue();
      const seen = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...seen, input_contract: undefined } });
    });
    await at.goto(`/playground/${id}`);
    await heading(/^Playground/).waitFor();
    const schema = { type: "object", properties: { city: { type: "string" } }, additionalProperties: false };
    await at.kheish.api.putInputContract({ params: { session_id: id }, body: { schema } });
    await button("Promote").click();
    await at.page.getByLabel("Its name").fill("as-it-is");
    isPromoted = true;
    await at.page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await heading("as-it-is").waitFor();
    expect((await at.kheish.sessions.get("as-it-is")).view).toMatchObject({ input_contract: { schema } });
  });

  test("the palette goes to pages, runs and sessions, and changes the colours, by keyboard alone", async () => {
    await at.goto("/runs");
    const open = async (typed: string) => {
      await at.page.keyboard.press("Control+k");
      await at.page.getByRole("combobox").fill(typed);
    };
    await heading("Runs").waitFor();
    await open("inbox");
    expect(await at.barriers()).toEqual([]);
    await at.picture("palette");
    await at.page.keyboard.press("Enter");
    await heading("Inbox").waitFor();
    await open("run-1");
    await at.page.keyboard.press("Enter");
    await heading(/^run-1/).waitFor();
    await open("dark");
    await at.page.keyboard.press("Enter");
    const scheme = () => at.page.evaluate("getComputedStyle(document.documentElement).colorScheme");
    await expect.poll(scheme).toBe("dark");
    await at.page.reload();
    await heading(/^run-1/).waitFor();
    await expect.poll(scheme).toBe("dark");
    await open("colours of the system");
    await at.page.keyboard.press("Enter");
    await expect.poll(scheme).toBe("light dark");
    await open("session first");
    // The sessions are read when the palette opens.
    await at.page.getByRole("option", { name: /first/ }).waitFor();
    await at.page.keyboard.press("ArrowDown");
    await at.page.keyboard.press("ArrowUp");
    await at.page.keyboard.press("Enter");
    await heading("first").waitFor();
    await open("no such thing");
    await at.page.getByText("Nothing has these words.").waitFor();
    // It is not closed as if something had been done.
    await at.page.keyboard.press("Enter");
    await at.page.getByText("Nothing has these words.").waitFor();
    await at.page.keyboard.press("Escape");
    await at.page.getByRole("combobox").waitFor({ state: "detached" });
  });

  test("a run of thousands of events is drawn a screen at a time, and its last step is reached", async () => {
    const turns = 60;
    const each = { tool_calls: Array.from({ length: 20 }, () => ({ name: "noop", input: {} })) };
    const long = await run("long", ...Array.from({ length: turns }, () => each), { text: "at the end" });
    await long.wait();
    const steps = turns * 21 + 1;
    await at.goto(`/runs/${long.id}`);
    await heading(/completed/).waitFor();
    await at.page.getByText(`${steps.toLocaleString()} steps in`).waitFor();
    const rows = at.page.getByRole("region", { name: "Timeline" }).locator("[data-kind]");
    expect(await rows.count()).toBeLessThan(60);
    await at.page.keyboard.press("End");
    await at.page.getByRole("button", { name: new RegExp(`^Turn ${turns}`) }).waitFor();
    expect(await rows.count()).toBeLessThan(60);
    const last = at.page.getByRole("listitem").filter({ has: at.page.getByText(`Turn ${turns}:`) });
    expect(await last.getAttribute("aria-setsize")).toBe(String(steps));
    expect(await at.barriers()).toEqual([]);
  });

  test("lists of runs and sessions go on as one scrolls, and one finds a session by its name", async () => {
    const sessions = Array.from({ length: 130 }, (_, n) => ({ session: `of-many-${n}` }));
    await Promise.all(sessions.map((one) => at.kheish.sessions.create(one)));
    const submitted = Array.from({ length: 120 }, (_, n) => run(`of-many-${n}`, { text: "quick" }));
    await Promise.all((await Promise.all(submitted)).map((one) => one.wait()));
    await at.goto("/runs");
    await at.page.getByRole("list", { name: "Runs" }).waitFor();
    const total = (await at.kheish.runs.list().page({ limit: 1 })).pagination.total_count;
    await at.page.getByText(`100 of ${total}`).waitFor();
    await at.page.keyboard.press("End");
    await at.page.getByText(`${total} of ${total}`).waitFor();
    await at.page.getByRole("button", { name: "Failed", exact: true }).click();
    await at.page.getByText("cancelled").first().waitFor();
    expect(await at.page.getByText("completed", { exact: true }).count()).toBe(0);

    await at.visit("Sessions");
    await at.page
      .getByRole("link", { name: /of-many-/ })
      .first()
      .waitFor();
    expect(await at.page.getByRole("link", { name: /of-many-/ }).count()).toBeLessThan(60);
    await at.page.getByRole("searchbox").fill("MANY-77");
    await at.page.getByRole("link", { name: /of-many-77/ }).click();
    await heading("of-many-77").waitFor();
  });

  test("08 a debrief tells of the newest runs; it is a run without tools like any other, and found again", async () => {
    await (await run("support", { text: "the tickets are sorted" })).wait();
    const failing = await run("nightly", {
      error: { status: 401, message: "the key was revoked", times: 0 },
    });
    await failing.wait();
    await at.goto("/");
    const summary = at.page.getByRole("region", { name: "Latest run summary" });
    await summary.getByText(/one call through the default route, without tools/).waitFor();
    await button("Generate a debrief").click();
    // The simulator says what it is asked.
    const line = summary.getByText(`"run_id":"${failing.id}","session_id":"nightly","status":"failed"`);
    await line.waitFor();
    await line.getByText("the key was revoked").waitFor();
    await line.getByText('"answer":"the tickets are sorted"').waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("debrief");
    await at.page.reload();
    await line.waitFor();

    await summary.getByRole("link", { name: /^run-/ }).click();
    await heading(/^run-\d+ completed$/).waitFor();
    const [latest] = await at.kheish.runs.list({ order: "desc" }).toArray();
    const { view } = await at.kheish.sessions.get(latest?.session_id ?? "");
    expect(view).toMatchObject({ capability_scope: { tool_deny: ["*"] } });
  });

  test("the dashboard draws runs, tokens, cost and latency over time, and says the same in a table", async () => {
    await at.goto("/");
    await at.page.getByRole("table", { name: "Runs" }).waitFor();
    for (const name of ["Tokens", "Cost, where it is known", "Latency, from start to end"])
      await at.page.getByRole("table", { name }).waitFor();
    await at.page.getByRole("button", { name: "24 hours" }).click();
    await at.page.getByRole("table", { name: "Runs" }).waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("charts");
  });
});
