import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bash, script } from "../../sdk/test/support/daemon.ts";
import { pieces } from "../src/ui/pieces.ts";
import { buildConsole, Operator } from "./support/operator.ts";

beforeAll(() => buildConsole());

describe("characters that do not show themselves", () => {
  test("have their number; the text stays what it is", () => {
    const text = "rm\u200b -r \u202etxt.exe\u{e0041}";
    expect(pieces(text).map(({ hidden }) => hidden)).toEqual([
      undefined,
      "U+200B",
      undefined,
      "U+202E",
      undefined,
      "U+E0041",
    ]);
    expect(
      pieces(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  });

  test("are no part of a picture of several, nor of a text from right to left", () => {
    for (const text of ["👩‍👩‍👧 👩🏽‍🚀 🏳️‍🌈 done", "مرحبا بالعالم"]) expect(pieces(text)).toEqual([{ text }]);
  });
});

describe("what is long, odd or not there", () => {
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive();
    await at.kheish.sessions.create({ session: "there" });
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  const run = (session: string, ...turns: object[]) =>
    at.kheish.responses.create({ session, prompt: script(...turns) });
  const heading = (name: string | RegExp) => at.page.getByRole("heading", { name, level: 1 });
  const chat = (session: string) => `/sessions/${encodeURIComponent(session)}/chat`;

  test("a tab is named after its page, and after how a run does", async () => {
    await at.goto("/runs");
    await heading("Runs").waitFor();
    expect(await at.page.title()).toBe("Runs · Kheish");
    await at.visit("Sessions");
    await expect.poll(() => at.page.title()).toBe("Sessions · Kheish");
    const { id } = await run("named", { text: "done" }).then((one) => one.wait().then(() => one));
    await at.goto(`/runs/${id}`);
    await expect.poll(() => at.page.title()).toBe(`${id} completed · Kheish`);
  });

  test("what is not there says so, and leads to what is", async () => {
    for (const [path, says, back] of [
      ["/runs/run-999999", "no such run", "All runs"],
      ["/sessions/nothing/chat", "no such session", "All sessions"],
    ] as const) {
      await at.goto(path);
      await at.page.getByText(says).waitFor();
      expect(await at.page.getByRole("textbox", { name: "Message" }).count()).toBe(0);
      expect(await at.barriers()).toEqual([]);
      await at.page.getByRole("link", { name: back }).click();
      await heading(back.slice("All ".length).replace(/^./, (first) => first.toUpperCase())).waitFor();
    }
    await at.goto("/library?skill=nothing");
    await at.page.getByText("There is no skill nothing").waitFor();
    await at.goto("/no/such");
    await heading("No such page").waitFor();
    expect(await at.barriers()).toEqual([]);
  });

  test("a command that hides its words is approved by what it is, and copied as it is", async () => {
    const command = "echo \u202egnol\u202c\u200b short";
    const asks = await run("hides\u202eevil", bash(command));
    await asks.waitUntilBlocked();
    await at.goto("/inbox");
    const shown = at.page.getByRole("article").locator("pre").first();
    await shown.getByRole("img", { name: "U+202E" }).waitFor();
    await shown.getByRole("img", { name: "U+200B" }).waitFor();
    expect(await shown.textContent()).toBe(command);
    await at.page.getByRole("article").locator("bdi").getByRole("img", { name: "U+202E" }).waitFor();
    await at.picture("hides");
    expect(await at.barriers()).toEqual([]);
  });

  test("which runs are shown stands in the address: back and forward come to the same", async () => {
    const asks = await run("asks", bash("true"));
    await asks.waitUntilBlocked();
    await at.goto("/runs");
    const choice = (name: string) => at.page.getByRole("button", { name, exact: true });
    await choice("Waiting").click();
    await at.page.getByRole("link", { name: asks.id }).click();
    await heading(new RegExp(asks.id)).waitFor();
    await at.page.goBack();
    await expect.poll(() => choice("Waiting").getAttribute("aria-pressed")).toBe("true");
    await at.page.goBack();
    await expect.poll(() => choice("All").getAttribute("aria-pressed")).toBe("true");
    await at.page.goForward();
    await expect.poll(() => choice("Waiting").getAttribute("aria-pressed")).toBe("true");
    await choice("At work").click();
    await at.page.getByText("No run is in this state.").waitFor();
  });

  test("the inbox: after a decision the keys go on where it was made", async () => {
    for (const session of ["one", "two", "three", "four"])
      await (await run(session, bash(`echo ${session}`), { text: "done" })).waitUntilBlocked();
    await at.goto("/inbox");
    const focused = () => at.page.evaluate("document.activeElement.getAttribute('aria-label')");
    await at.page.getByText("echo three").waitFor();
    const names = await at.page
      .getByRole("article")
      .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    for (const name of names.slice(0, 3)) {
      await at.page.keyboard.press("j");
      await expect.poll(focused).toBe(name);
    }
    await at.page.keyboard.press("d");
    await at.page.getByText("echo three").waitFor({ state: "detached" });
    await at.page.keyboard.press("j");
    await expect.poll(focused).toBe(names[3]);
  });

  test("whoever comes with the keyboard can skip the menu", async () => {
    await at.goto("/runs");
    await heading("Runs").waitFor();
    await at.page.keyboard.press("Tab");
    await at.page.keyboard.press("Enter");
    await at.page.keyboard.press("Tab");
    expect(await at.page.evaluate("document.activeElement.textContent")).toBe("All");
  });

  test("the colours that somebody chose stand before the first drawing", async () => {
    await at.goto("/settings");
    await at.page.evaluate("localStorage.setItem('kheish-theme', 'dark')");
    // Nothing of the console itself has come yet.
    await at.page.route("**/assets/*.js", (route) => route.abort());
    await at.goto("/settings");
    expect(await at.page.evaluate("document.documentElement.style.colorScheme")).toBe("dark");
    await at.page.evaluate("localStorage.removeItem('kheish-theme')");
  });

  test("words without an end and many budgets, routes and errors fit on a phone", async () => {
    const message = "no ".repeat(100) + "E".repeat(400);
    const failed = await run("s".repeat(200), { error: { status: 401, message, times: 0 } });
    expect((await failed.wait()).status).toBe("failed");
    // The first route that is added is the default from then on, and this one plays no scripts: no test comes behind this one.
    const { api } = at.kheish;
    const word = "w".repeat(64);
    await api.createBudget({
      body: {
        budget_id: word,
        scope: { kind: "daemon" },
        window: { kind: "day" },
        limits: { model_calls: 999 },
      },
    });
    await api.addRoute({ body: { route_id: word, provider: "simulator", model: "echo" } });
    for (const [path, text] of [
      [chat("s".repeat(200)), `Budgets: ${word}`],
      [`/runs/${failed.id}`, "Timeline"],
      ["/playground", "The daemon's default"],
      ["/sessions", "s".repeat(200)],
    ] as const) {
      await at.goto(path);
      await at.page.getByText(text).first().waitFor({ state: "attached" });
      expect(await at.barriers()).toEqual([]);
    }
  });
});
