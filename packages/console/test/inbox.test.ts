import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bash, script } from "../../sdk/test/support/daemon.ts";
import { buildConsole, Operator } from "./support/operator.ts";

beforeAll(() => buildConsole());

describe("the inbox of somebody with much to decide", () => {
  let at: Operator;
  beforeAll(async () => {
    at = await Operator.arrive();
  });
  afterAll(() => at.leave());
  afterEach(async () => expect(await at.settle()).toEqual([]));

  const waiting = async (session: string, turn: object) => {
    const run = await at.kheish.responses.create({
      session,
      prompt: script(turn, { text: "{{last_tool_output}}" }),
    });
    return run.waitUntilBlocked();
  };
  const use = (name: string, input: object) => ({ tool_calls: [{ name, input }] });
  const item = (name: string) => at.page.getByRole("article", { name });

  test("a change of a file is lines that go and come, a command the words that a rule would see", async () => {
    const edit = { path: "app.ts", old_text: "let a = 1;\nrun();\n", new_text: "let a = 2;\nrun();\n" };
    const edits = await waiting("edits", use("edit_file", edit));
    const command = "git push origin main && curl -fsS https://ci.example.com/?ref=$REF > out.log";
    const runs = await waiting("runs", bash(command));
    await at.goto("/inbox");
    const change = item(`edit_file of ${edits.id}`).getByRole("region", { name: "Changes of app.ts" });
    await change.locator('[data-diff="removed"]').getByText("let a = 1;").waitFor();
    await change.locator('[data-diff="added"]').getByText("let a = 2;").waitFor();
    await change.locator('[data-diff="same"]').getByText("run();").waitFor();

    const seen = item(`bash of ${runs.id}`).getByRole("group").filter({ hasText: "What rules see" });
    await seen.getByText("What rules see").click();
    for (const word of ["git", "push", "origin", "main", "curl", "-fsS", "out.log"])
      await seen.getByText(word, { exact: true }).first().waitFor();
    await seen
      .getByTitle("Only the shell will know what this is")
      .getByText(/\?ref=\$REF/)
      .waitFor();
    expect(await at.barriers()).toEqual([]);
    await at.picture("inbox");
  });

  test("nothing below moves when it is known what rules see: a click hits what it was meant for", async () => {
    const still = await waiting("still", bash("true"));
    let answer: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await at.page.route("**/permissions/check", async (route) => {
      await isAsked;
      await route.continue();
    });
    await at.goto("/inbox");
    const approve = item(`bash of ${still.id}`).getByRole("button", { name: "Approve" });
    await approve.waitFor();
    const before = await approve.boundingBox();
    const checked = at.page.waitForResponse("**/permissions/check");
    answer();
    await checked;
    await at.page.getByText("What rules see").click();
    await at.page.getByText("asked by").waitFor();
    await at.page.getByText("What rules see").click();
    expect(await approve.boundingBox()).toEqual(before);
  });

  test("what moves into the place of something that went away cannot be clicked in the same moment", async () => {
    const gone = await waiting("gone", bash("true"));
    const next = await waiting("next", bash("true"));
    await at.goto("/inbox");
    for (const { id } of [gone, next]) await item(`bash of ${id}`).waitFor();
    // What a pointer could do in the moment when the first one was gone, before any time has passed.
    await at.page.evaluate(
      `(() => {
        const top = () => document.querySelector("[data-item]");
        const first = top().dataset.item;
        globalThis.pointer = new Promise((resolve) => {
          const observer = new MutationObserver(() => {
            if (top()?.dataset.item === first) return;
            observer.disconnect();
            resolve(getComputedStyle(top()).pointerEvents);
          });
          observer.observe(document.body, { childList: true, subtree: true, attributes: true });
        });
      })()`,
    );
    const [request] = gone.pending_approvals;
    await gone.deny(request?.id ?? "");
    expect(await at.page.evaluate("pointer")).toBe("none");
    await item(`bash of ${next.id}`).getByRole("button", { name: "Approve" }).click();
    await Promise.all([gone.wait(), next.wait()]);
  });

  test("many are decided at once, each with its own outcome, also where somebody else was faster", async () => {
    const all = await Promise.all(["b1", "b2", "b3"].map((session) => waiting(session, bash("true"))));
    await at.goto("/inbox");
    for (const { id } of all) await item(`bash of ${id}`).waitFor();
    await at.page.keyboard.press("j");
    await at.page.keyboard.press("x");
    await at.page.getByRole("checkbox", { name: "All 3 approvals" }).check();
    expect(await at.barriers()).toEqual([]);
    const [, faster] = all;
    // One of them is decided on the way of the others.
    await at.page.route(`**/runs/${faster?.id}/approvals`, async (route) => {
      const [request] = faster?.pending_approvals ?? [];
      await faster?.deny(request?.id ?? "");
      await route.continue();
    });
    await at.page.getByRole("button", { name: "Approve 3" }).click();
    const outcomes = at.page.getByRole("status").getByRole("listitem");
    await expect
      .poll(async () => (await outcomes.allTextContents()).toSorted())
      .toEqual(
        all
          .map(({ id }) => `bash of ${id}: ${id === faster?.id ? "already resolved" : "approved"}`)
          .toSorted(),
      );
    await at.page.unrouteAll({ behavior: "ignoreErrors" });
    for (const run of all) expect((await run.wait()).status).toBe("completed");
    const decided = at.page.getByRole("region", { name: "Decided just now" });
    await expect.poll(() => decided.getByText(/approved by anonymous/).count()).toBe(2);
    await decided.getByText(/denied by anonymous/).waitFor();
    await at.picture("inbox-many");
  });

  test("what is picked while others are on their way stays picked", async () => {
    const all = await Promise.all(["p1", "p2", "p3"].map((session) => waiting(session, bash("true"))));
    const isPicked = Promise.withResolvers<void>();
    await at.page.route("**/approvals", async (route) => {
      await isPicked.promise;
      await route.continue();
    });
    const box = (run: (typeof all)[number]) =>
      at.page.getByRole("checkbox", { name: `Select bash of ${run.id}` });
    const [first, second, next] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]];
    await at.goto("/inbox");
    await box(first).check();
    await box(second).check();
    await at.page.getByRole("button", { name: "Approve 2" }).click();
    await box(next).check();
    isPicked.resolve();
    await expect.poll(() => at.page.getByRole("status").getByRole("listitem").count()).toBe(2);
    expect(await box(next).isChecked()).toBe(true);
  });

  test("08-R5 an approval is edited in the browser while another client decides it: one wins, the other is told", async () => {
    const raced = await waiting("raced", bash("echo from-model"));
    const [request] = raced.pending_approvals;
    await at.goto("/inbox");
    await item(`bash of ${raced.id}`).waitFor();
    await at.page.keyboard.press("j");
    await at.page.keyboard.press("e");
    await at.page.getByLabel("Input").fill('{"command":"echo from-human"}');
    const outcomes = await Promise.allSettled([
      at.page.getByRole("button", { name: "Approve as edited" }).click({ timeout: 2_000 }),
      raced.deny(request?.id ?? ""),
    ]);
    const { output_text } = await raced.wait();
    if (outcomes[1]?.status === "rejected") expect(output_text).toContain("from-human");
    else {
      expect(output_text).toContain("denied");
      await at.page.getByText("Decided just now").waitFor();
    }
    await at.page.getByText("Nothing waits for you.").waitFor();
  });

  test("what is allowed for the session is not asked again in it", async () => {
    const first = await waiting("again", bash("echo same"));
    await at.goto("/inbox");
    await at.page.getByRole("button", { name: "Always in this session" }).click();
    expect((await first.wait()).status).toBe("completed");
    const second = await at.kheish.responses.create({
      session: "again",
      prompt: script(bash("echo same"), { text: "not asked" }),
    });
    expect((await second.wait()).output_text).toBe("not asked");
  });

  test("what waits is told on the desktop while nobody sees the page, once, and only to who asked for it", async () => {
    await at.page.addInitScript(() => {
      const told: string[] = [];
      class Stub {
        static permission = "default";
        static async requestPermission() {
          Stub.permission = "granted";
          return "granted";
        }
        constructor(title: string, options: { body: string }) {
          told.push(`${title} ${options.body}`);
        }
      }
      Object.assign(globalThis, { Notification: Stub, told });
    });
    // The stream of the page before is over: it would be taken for that of this one.
    const streams = async () => (await at.kheish.api.status()).events.subscriber_count;
    await expect.poll(streams).toBe(0);
    await at.goto("/inbox");
    const hide = (hidden: boolean) =>
      at.page.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`);
    await at.page.getByRole("button", { name: "Notify me" }).click();
    await at.page.getByRole("button", { name: "Notifications on" }).waitFor();
    // It is told of what comes once the daemon has taken its stream.
    await expect.poll(streams).toBe(1);
    await hide(true);
    const run = await waiting("told", bash("true"));
    const told = () => at.page.evaluate("told");
    await expect.poll(told).toEqual([`Approve bash? ${run.id} in told waits for you.`]);
    await at.page.getByRole("button", { name: "Notifications on" }).click();
    const quiet = await waiting("quiet", bash("true"));
    await hide(false);
    await item(`bash of ${quiet.id}`).waitFor();
    expect(await told()).toHaveLength(1);
  });
});
