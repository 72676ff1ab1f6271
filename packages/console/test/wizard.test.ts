import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ChatProvider } from "../../daemon/test/support/chat-provider.ts";
import { buildConsole, Operator } from "./support/operator.ts";

const DEAD_KEY = "sk-a-key-that-nobody-takes";
const GOOD_KEY = "sk-a-key-that-is-taken";

beforeAll(() => buildConsole());

describe("the wizard", () => {
  let at: Operator;
  beforeAll(async () => {
    process.env.KHEISH_AUTH_STORE_MASTER_KEY = Buffer.alloc(32, 4).toString("base64");
  });
  afterAll(() => {
    delete process.env.KHEISH_AUTH_STORE_MASTER_KEY;
  });
  afterEach(async () => {
    const complaints = at.complaints.splice(0);
    await at.leave();
    expect(complaints).toEqual([]);
  });

  const heading = (name: string) => at.page.getByRole("heading", { name, level: 1 });
  const press = (name: string) => at.page.getByRole("button", { name, exact: true }).click();
  const step = (name: string) => at.page.getByRole("region", { name, exact: true });

  test("08-R1 from an empty daemon to a first answer on the simulator, without a key or a file", async () => {
    at = await Operator.arrive();
    await at.goto("/");
    await heading("Welcome to Kheish").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("welcome-model");
    await at.page.getByRole("button", { name: "Simulator" }).click();
    await press("Use the simulator");
    await at.page.getByText("simulator answers.").waitFor();
    await press("Continue");

    await step("Tools").waitFor();
    await at.page.getByRole("button", { name: "Add Linear" }).click();
    expect(await at.barriers()).toEqual([]);
    await at.picture("welcome-tools");
    await press("Continue");

    await step("Secrets").waitFor();
    await at.page.getByLabel("Slot").fill("tools.weather.API_KEY");
    await at.page.getByLabel("Value").fill("a-value-that-nobody-reads");
    await press("Keep it");
    await at.page.getByText("tools.weather.API_KEY").waitFor();
    expect(await at.page.getByLabel("Value").inputValue()).toBe("");
    expect(await at.kheish.api.listSecrets()).toMatchObject([{ slot_id: "tools.weather.API_KEY" }]);
    await at.page.reload();
    await at.page.getByText("tools.weather.API_KEY").waitFor();
    expect(await at.barriers()).toEqual([]);
    await press("Continue");

    await step("First agent").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("welcome-agent");
    await press("Take the tour");
    // Seen without scrolling, and not behind the field that one writes in.
    const isSeen = `[...document.querySelectorAll("button")].some((one) => {
      const { x, y, width, height } = one.getBoundingClientRect();
      return one.innerText === "Answer" && document.elementFromPoint(x + width / 2, y + height / 2) === one;
    })`;
    await expect.poll(() => at.page.evaluate(isSeen)).toBe(true);
    await at.picture("chat-question");
    await at.page.getByRole("radio").first().check();
    await press("Answer");
    await press("Approve");
    const said = at.page.getByRole("list", { name: "Conversation" }).locator('[data-who="agent"]');
    await said
      .getByText(/kheish-tour\.md/)
      .last()
      .waitFor();

    await at.goto("/");
    await heading("Dashboard").waitFor();
  });

  test("08-R2 a key is tried with one real call: a dead one is said to be dead and taken back, a good one becomes the default", async () => {
    const provider = new ChatProvider();
    provider.answer = (key) => (key === GOOD_KEY ? { text: "ready" } : { status: 401, text: "no such key" });
    await provider.start();
    at = await Operator.arrive();
    try {
      await at.goto("/welcome");
      const connect = async (key: string) => {
        await at.page.getByRole("button", { name: "OpenAI-compatible" }).click();
        await at.page.getByRole("textbox", { name: "Model" }).fill("local");
        await at.page.getByLabel("Key", { exact: true }).fill(key);
        await at.page.getByLabel("Base URL").fill(provider.url);
        await press("Connect model");
      };
      await connect(DEAD_KEY);
      await at.page
        .getByRole("alert")
        .getByText(/does not answer/)
        .waitFor();
      expect(await at.barriers()).toEqual([]);
      // What the page reads after that is on its way until somebody who is fast has asked for the next one.
      const isAsked = Promise.withResolvers<void>();
      await at.page.route("**/v1/runtime/routes", async (route) => {
        if (route.request().method() === "GET") await isAsked.promise;
        await route.continue();
      });
      await press("Remove it and try again");
      await at.page.getByText("Provider").waitFor();
      const routes = async () =>
        (await at.kheish.api.listRoutes()).routes.map(({ route_id, active }) => [route_id, active]);
      await expect.poll(routes).toEqual([["simulator", true]]);

      await connect(GOOD_KEY);
      isAsked.resolve();
      await at.page.getByText("openai-compatible answers.").waitFor();
      expect(provider.requests).toHaveLength(2);
      expect(provider.requests[1]).not.toHaveProperty("tools");
      expect(await routes()).toEqual([
        ["openai-compatible", true],
        ["simulator", false],
      ]);
      await press("Continue");
      await press("1. Model");
      await at.page.getByText("Connected; the default is").waitFor();
      await at.page.getByRole("radio", { name: /openai-compatible/, checked: true }).waitFor();
      const shown = await at.page.content();
      for (const key of [DEAD_KEY, GOOD_KEY]) expect(shown).not.toContain(key);
    } finally {
      await provider.stop();
    }
  });

  test("08-R1 the tour is skipped for good; a daemon that somebody has used offers none", async () => {
    at = await Operator.arrive();
    await at.goto("/");
    await press("Skip the tour");
    await heading("Dashboard").waitFor();
    await at.page.reload();
    await heading("Dashboard").waitFor();
    await at.page.evaluate("localStorage.clear()");
    await at.goto("/");
    await heading("Welcome to Kheish").waitFor();
    await at.kheish.sessions.create({ session: "in-use" });
    await at.goto("/");
    await heading("Dashboard").waitFor();
  });

  test("a daemon that does not answer: how to start it, again, and the way to another one", async () => {
    at = await Operator.arrive();
    await at.page.route("**/v1/**", (route) => route.abort());
    await at.goto("/");
    await heading("The daemon does not answer").waitFor();
    await at.page.getByText("kheish up").waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("away");
    await at.page.unrouteAll();
    await press("Try again");
    await heading("Welcome to Kheish").waitFor();
  });
});
