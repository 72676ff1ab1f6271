import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Kheish,
  KheishError,
  KheishProblem,
  KheishRunFailed,
  KheishTimeout,
  ReplyTarget,
  Route,
} from "../src/index.ts";
import { bash, type LiveDaemon, liveDaemon, script } from "./support/daemon.ts";

const ASKS_TWICE = script(
  { tool_calls: [question("q", "Which?", ["Left", "Right"])] },
  { text: "{{last_tool_output}}" },
);

function question(id: string, text: string, labels: string[]) {
  const options = labels.map((label) => ({ label, description: label }));
  return {
    id: `ask-${id}`,
    name: "ask_user_question",
    input: { questions: [{ header: "Choice", question: text, options, multi_select: false }] },
  };
}

describe("a client of a real daemon", () => {
  let live: LiveDaemon;
  let kheish: Kheish;
  beforeAll(async () => {
    live = await liveDaemon();
    kheish = new Kheish({ baseUrl: live.daemon.baseUrl });
  });
  afterAll(() => live.stop());

  test("05-R95 one response: submitted, waited for, read", async () => {
    const run = await kheish.responses.create({ session: "one", prompt: "hello", route: "simulator/echo" });
    expect(run.session_id).toBe("one");
    const result = await run.wait({ raiseOnFailure: true });
    expect(result).toMatchObject({ status: "completed", output_text: "hello", error: undefined });
    expect(result.usage?.model_calls).toBe(1);
    expect(run.view.route).toMatchObject({ route_id: "simulator", model: "echo" });
    expect((await run.wait()).output_text, "again, of a run that is over").toBe("hello");
  });

  test("a response without a session gets a new one; the same key again gives the same run", async () => {
    const first = await kheish.responses.create({ prompt: "a", idempotencyKey: "key-1" });
    const again = await kheish.responses.create({ prompt: "a", idempotencyKey: "key-1" });
    const other = await kheish.responses.create({ prompt: "a" });
    expect([again.id, again.session_id]).toEqual([first.id, first.session_id]);
    expect(other.session_id).not.toBe(first.session_id);
  });

  test("text and files go in order", async () => {
    const run = await kheish.responses.create({
      session: "items",
      prompt: [
        { type: "text", text: "one" },
        { type: "text", text: "two" },
      ],
      route: Route.simulator(),
    });
    expect((await run.wait()).output_text).toBe("onetwo");
  });

  test("raiseOnFailure throws what the run failed with; without it the result says so", async () => {
    const prompt = script({ error: { status: 400, message: "no such thing", times: 0 } });
    const run = await kheish.responses.create({ session: "fails", prompt });
    const result = await run.wait();
    expect(result.status).toBe("failed");
    expect(result.error).toContain("no such thing");
    const error = await run.wait({ raiseOnFailure: true }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KheishRunFailed);
    expect((error as KheishRunFailed).run.run_id).toBe(run.id);
    expect(String(error)).toContain("no such thing");
  });

  test("05-R94 a run blocks on approvals wave by wave, and goes on when they are given", async () => {
    const prompt = script(bash("echo 1 >> waves"), bash("echo 2 >> waves"), { text: "done" });
    const run = await kheish.responses.create({ session: "waves", prompt });
    for (const wave of ["echo 1 >> waves", "echo 2 >> waves"]) {
      await run.waitUntilBlocked();
      expect([run.requires_approval, run.requires_question]).toEqual([true, false]);
      expect(run.pending_approvals).toMatchObject([{ tool_name: "bash", input: { command: wave } }]);
      await run.approveAll("seen");
    }
    await run.waitUntilBlocked();
    expect(run.status).toBe("completed");
    expect(await readFile(join(live.workspace, "waves"), "utf8")).toBe("1\n2\n");
    const decided = (await run.events()).filter(({ event }) => event.type === "approval_resolved");
    expect(decided).toHaveLength(2);
    expect(decided[0]?.event).toMatchObject({ resolutions: [{ behavior: "allow", justification: "seen" }] });
  });

  test("an approval can change the input, a denial says why", async () => {
    const edited = await kheish.responses.create({
      session: "edited",
      prompt: script(bash("echo from-model"), { text: "{{last_tool_output}}" }),
    });
    const [asked] = (await edited.waitUntilBlocked()).pending_approvals;
    await edited.approve(asked?.id ?? "", { input: { command: "echo from-human" } });
    expect((await edited.wait()).output_text).toContain("from-human");

    const denied = await kheish.responses.create({
      session: "denied",
      prompt: script(bash("echo x"), { text: "{{last_tool_output}}" }),
    });
    const [refused] = (await denied.waitUntilBlocked()).pending_approvals;
    await denied.deny(refused?.id ?? "", { reason: "not on a Friday" });
    expect((await denied.wait()).output_text).toContain("not on a Friday");
  });

  test("05-R94 a question is answered by its options or in words", async () => {
    const chosen = await kheish.responses.create({ session: "chosen", prompt: ASKS_TWICE });
    await chosen.waitUntilBlocked();
    expect(chosen.requires_question).toBe(true);
    const [asked] = chosen.pending_questions.flatMap(({ questions }) => questions);
    const option = asked?.options.find(({ label }) => label === "Right")?.id ?? "";
    await expect(chosen.answer({ nothing: "x" })).rejects.toThrow("asks no question 'nothing'");
    await chosen.answer({ [asked?.id ?? ""]: [option] });
    expect((await chosen.wait()).output_text).toContain("Right");

    const told = await kheish.responses.create({ session: "told", prompt: ASKS_TWICE });
    await told.waitUntilBlocked();
    await told.answer("straight on");
    expect((await told.wait()).output_text).toContain("straight on");
  });

  test("what nobody asked for is refused before anything is sent", async () => {
    const run = await kheish.responses.create({ session: "nothing", prompt: "hi" });
    await run.wait();
    await expect(run.approveAll()).rejects.toThrow(KheishError);
    await expect(run.answer("yes")).rejects.toThrow(KheishError);
  });

  test("whoever was slower gets a typed conflict", async () => {
    const prompt = script(bash("true"), { text: "done" });
    const run = await kheish.responses.create({ session: "raced", prompt });
    const [request] = (await run.waitUntilBlocked()).pending_approvals;
    const other = await kheish.runs.get(run.id);
    await run.approve(request?.id ?? "");
    const error = await other.deny(request?.id ?? "").catch((thrown: unknown) => thrown as KheishProblem);
    expect(error).toBeInstanceOf(KheishProblem);
    expect((error as KheishProblem).status).toBe(409);
    await run.wait();
  });

  test("time that runs out and a signal end the wait and not the run", async () => {
    const run = await kheish.responses.create({
      session: "patient",
      prompt: script(bash("true"), { text: "late" }),
    });
    await run.waitUntilBlocked();
    const error = await run.wait({ timeoutMs: 30 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KheishTimeout);
    expect(String(error)).toContain(`${run.id} did not end within 30 ms`);
    const leaving = new AbortController();
    const left = run.wait({ signal: leaving.signal });
    leaving.abort("enough");
    await expect(left).rejects.toBe("enough");
    await run.approveAll();
    expect((await run.wait()).output_text).toBe("late");
  });

  test("a wait outlives a restart of the daemon", async () => {
    const run = await kheish.responses.create({
      session: "restarted",
      prompt: script(bash("true"), { text: "back" }),
    });
    await run.waitUntilBlocked();
    const waiting = run.wait();
    await live.daemon.kill();
    await live.daemon.restart();
    await run.approveAll();
    expect((await waiting).output_text).toBe("back");
  });

  test("a run can be cancelled, twice", async () => {
    const run = await kheish.responses.create({ session: "cancelled", prompt: script(bash("true")) });
    await run.waitUntilBlocked();
    expect((await run.cancel()).status).toBe("cancelled");
    expect((await run.cancel()).status).toBe("cancelled");
    expect((await run.wait()).status).toBe("cancelled");
  });

  test("lists are as long as they are, and pages where pages are wanted", async () => {
    const ids: string[] = [];
    for (const prompt of ["a", "b", "c"]) {
      const run = await kheish.responses.create({ session: "listed", prompt });
      await run.wait();
      ids.push(run.id);
    }
    const list = kheish.runs.list({ session_id: "listed", status: ["completed"] });
    expect((await list.toArray()).map(({ run_id }) => run_id)).toEqual(ids);
    const first = await list.page({ limit: 2 });
    expect(first.items.map(({ run_id }) => run_id)).toEqual(ids.slice(0, 2));
    const second = await list.page({ limit: 2, cursor: first.pagination.next_cursor });
    expect(second.items.map(({ run_id }) => run_id)).toEqual(ids.slice(2));
    expect(await kheish.runs.list({ session_id: "listed", status: ["failed"] }).toArray()).toEqual([]);
    const newest = await kheish.runs.list({ session_id: "listed", order: "desc" }).page({ limit: 1 });
    expect(newest.items[0]?.run_id).toBe(ids.at(-1));
    expect((await kheish.sessions.list().toArray()).map(({ session_id }) => session_id)).toContain("listed");
  });

  test("everything that waits for a human is found", async () => {
    const approval = await kheish.responses.create({ session: "inbox", prompt: script(bash("true")) });
    await approval.waitUntilBlocked();
    const asking = await kheish.responses.create({ session: "inbox-2", prompt: ASKS_TWICE });
    await asking.waitUntilBlocked();
    const approvals = await Array.fromAsync(kheish.approvals.list({ session_id: "inbox" }));
    expect(approvals.map(({ run, request }) => [run.run_id, request.tool_name])).toEqual([
      [approval.id, "bash"],
    ]);
    const questions = await kheish.questions.list({ session_id: "inbox-2" }).toArray();
    expect(questions.map(({ run_id }) => run_id)).toEqual([asking.id]);
    await Promise.all([approval.cancel(), asking.cancel()]);
  });

  test("05-R94 a session has defaults, and its handle hands it work", async () => {
    const target = ReplyTarget.raw("console", { room: 1 });
    const session = await kheish.sessions.create({
      session: "with-defaults",
      route: Route.simulator("echo"),
      reply_targets: [target],
    });
    expect(session.view).toMatchObject({
      route_policy: { provider: "simulator", generation: { model: "echo" } },
      reply_targets: [{ plugin: "console", address: { room: 1 } }],
    });
    const run = await session.responses.create({ prompt: "hi" });
    expect((await run.wait()).output_text).toBe("hi");
    expect((await session.refresh()).snapshot.last_assistant_message).toBe("hi");
    await kheish.sessions.setReplyTargets(session.id, []);
    await kheish.sessions.setRoute(session.id, "simulator");
    expect(await session.refresh()).toMatchObject({ route_policy: { provider: "simulator" } });
    expect((await kheish.sessions.interrupt(session.id)).interrupted).toBe(false);
    expect((await kheish.sessions.end(session.id, { reason: "done" })).ended_reason).toBe("done");
    expect((await kheish.sessions.events(session.id)).run_events.map(({ run_id }) => run_id)).toContain(
      run.id,
    );
  });

  test("a session's stream begins now and tells what happens from then on", async () => {
    const session = await kheish.sessions.create({ session: "watched" });
    await (await session.responses.create({ prompt: "before" })).wait();
    const stream = session.stream();
    let isOpen = false;
    const first = stream.next().finally(() => {
      isOpen = true;
    });
    // Nobody can know when "now" was but the daemon: work comes until the stream tells of some.
    const ids: string[] = [];
    while (!isOpen) {
      const run = await session.responses.create({ prompt: "after" });
      await run.wait();
      ids.push(run.id);
    }
    const { value } = await first;
    expect(ids.some((id) => JSON.stringify(value).includes(id))).toBe(true);
    stream.close();
  });

  test("a backup comes as it is made", async () => {
    const reader = (await kheish.api.backup()).getReader();
    const { value } = await reader.read();
    expect(value?.byteLength).toBeGreaterThan(0);
    await reader.cancel();
  });

  test("refusals are typed", async () => {
    const error = await kheish.runs.get("run-0").catch((thrown: unknown) => thrown as KheishProblem);
    expect(error).toMatchObject({ status: 404, domain: "runs", code: "run_not_found" });
    expect((error as KheishProblem).requestId).toBeTypeOf("string");
    const shape = await kheish.api
      .createGoal({ params: { session_id: "one" }, body: { objective: 1 as unknown as string } })
      .catch((thrown: unknown) => thrown as KheishProblem);
    expect((shape as KheishProblem).document.errors).toMatchObject([{ path: "/objective" }]);
  });
});

describe("a client of a daemon with a token", () => {
  let live: LiveDaemon;
  beforeAll(async () => {
    live = await liveDaemon("--http-admin-token", "correct-horse-battery");
  });
  afterAll(() => live.stop());

  test("is let in with it, and refused without, at once", async () => {
    const baseUrl = live.daemon.baseUrl;
    await expect(new Kheish({ baseUrl }).api.status()).rejects.toMatchObject({ status: 401, domain: "auth" });
    await expect(new Kheish({ baseUrl }).events.stream().next()).rejects.toMatchObject({ status: 401 });
    const kheish = new Kheish({ baseUrl, token: "correct-horse-battery" });
    const run = await kheish.responses.create({ session: "s", prompt: "hi" });
    expect((await run.wait()).output_text).toBe("hi");
    expect(run.view.principal).toBe("admin-token");
  });
});
