import type { RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { useGuarded } from "../access/support.ts";
import { at, of } from "../http/support/params.ts";
import { bash, say, script } from "../http/support/script.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const guarded = useGuarded(async () => ({ store: "sqlite" }));
const createRig = useRigs();
const MINUTE = 60_000;

/** A session whose commands two people have to allow, with a run that waits, and people who may decide there. */
async function twoPeople(name: string, ...commands: string[]) {
  const { admin } = guarded();
  await admin.call("createSession", { body: { session_id: name } });
  await admin.call("createSessionRule", {
    ...at(name),
    body: { tool_name_pattern: "bash", behavior: "ask", required_approvals: 2 },
  });
  const grants = { verbs: ["read" as const, "write" as const], resources: [`sessions/${name}`] };
  const [ann, bob] = [await guarded().token(grants), await guarded().token(grants)];
  const { run_id } = await admin.call("submitRun", {
    ...at(name),
    body: { content: script(...commands.map((command) => bash(command)), say("done")) },
  });
  const waiting = () => reached(run_id, "waiting_for_approval");
  return { ann, bob, run_id, first: await waiting() };
}

async function reached(run_id: string, status: RunView["status"]): Promise<RunView> {
  const { admin } = guarded();
  await until(
    `the run to be ${status}`,
    async () => (await admin.call("getRun", of(run_id))).status === status,
  );
  return admin.call("getRun", of(run_id));
}

function decide(secret: string, session: string, resolution: object): Promise<string> {
  return guarded().outcome(secret, "POST", `/v1/sessions/${session}/approval-runs`, {
    resolutions: [resolution],
  });
}
const idOf = (run: RunView) => run.pending_approvals?.[0]?.id ?? "";

describe("03 two people have to allow a call", () => {
  test("the first yes is written down with its name, the second decides; nobody counts twice", async () => {
    const { ann, bob, run_id, first } = await twoPeople("pair", "echo x");
    expect(first.pending_approvals).toMatchObject([{ required_approvals: 2 }]);
    const yes = { request_id: idOf(first), behavior: "allow" };
    expect(await decide(ann.secret, "pair", yes)).toBe("202");
    expect(await decide(ann.secret, "pair", yes)).toBe("202");
    const between = await guarded().admin.call("getRun", of(run_id));
    expect(between).toMatchObject({
      status: "waiting_for_approval",
      pending_approvals: [{ approved_by: [`token:${ann.name}`] }],
    });
    expect(await decide(bob.secret, "pair", yes)).toBe("202");
    await reached(run_id, "completed");
    const events = (await guarded().admin.call("runEvents", of(run_id))).map(({ event }) => event);
    expect(events.filter(({ type }) => type === "approval_voted")).toEqual([
      {
        type: "approval_voted",
        request_id: idOf(first),
        approved_by: [`token:${ann.name}`],
        required_approvals: 2,
      },
    ]);
    expect(events.filter(({ type }) => type === "approval_resolved")).toMatchObject([
      { decided_by: `token:${bob.name}` },
    ]);
  });

  test("one no is enough, also after a yes", async () => {
    const { ann, bob, run_id, first } = await twoPeople("pair-no", "echo x");
    expect(await decide(ann.secret, "pair-no", { request_id: idOf(first), behavior: "allow" })).toBe("202");
    expect(await decide(bob.secret, "pair-no", { request_id: idOf(first), behavior: "deny" })).toBe("202");
    await reached(run_id, "completed");
    const audits = await guarded().admin.call("sessionEvents", at("pair-no"));
    expect(JSON.stringify(audits)).toContain("approval denied");
  });

  test("they have to allow the same input", async () => {
    const { ann, bob, run_id, first } = await twoPeople("pair-edit", "echo x");
    const edited = { request_id: idOf(first), behavior: "allow", updated_input: { command: "echo y" } };
    expect(await decide(ann.secret, "pair-edit", edited)).toBe("202");
    const plain = { request_id: idOf(first), behavior: "allow" };
    expect(await decide(bob.secret, "pair-edit", plain)).toBe("approval_state_conflict");
    expect(await decide(bob.secret, "pair-edit", edited)).toBe("202");
    await reached(run_id, "completed");
  });

  test("03-A5 what both allowed and have remembered is not asked again", async () => {
    const { ann, bob, run_id, first } = await twoPeople("pair-kept", "echo x", "echo x");
    const kept = { request_id: idOf(first), behavior: "allow", remember: { scope: "session" } };
    expect(await decide(ann.secret, "pair-kept", kept)).toBe("202");
    expect((await guarded().admin.call("listSessionRules", at("pair-kept"))).rules).toHaveLength(1);
    expect(await decide(bob.secret, "pair-kept", kept)).toBe("202");
    expect((await reached(run_id, "completed")).request.approval_count).toBe(1);
    expect((await guarded().admin.call("listSessionRules", at("pair-kept"))).rules).toMatchObject([
      { required_approvals: 2 },
      { origin: "remembered", approved_by: [`token:${ann.name}`, `token:${bob.name}`] },
    ]);
  });
});

describe("03-A5 nobody has more remembered than they may say", () => {
  test("whoever decides about calls may remember the same input; a pattern needs the session's rules", async () => {
    const { admin } = guarded();
    await admin.call("createSession", { body: { session_id: "bounds" } });
    const writer = await guarded().token({
      verbs: ["write"],
      resources: ["sessions/bounds"],
      expires_in_ms: 3_600_000,
    });
    const ruler = await guarded().token({ verbs: ["write", "admin"], resources: ["sessions/bounds"] });
    const content = script(bash("echo x"), bash("echo y"), bash("echo z"), say("done"));
    const { run_id } = await admin.call("submitRun", { ...at("bounds"), body: { content } });
    const first = await reached(run_id, "waiting_for_approval");
    const pattern = { match: { command: [{ argv: ["echo", "*"] }] } };
    const wide = {
      request_id: idOf(first),
      behavior: "allow",
      remember: { scope: "session", match: "pattern", pattern },
    };
    expect(await decide(writer.secret, "bounds", wide)).toBe("insufficient_access");
    const late = { scope: "session", expires_at_ms: Date.now() + 7_200_000 };
    expect(await decide(writer.secret, "bounds", { ...wide, remember: late })).toBe("insufficient_access");
    expect((await admin.call("getRun", of(run_id))).status).toBe("waiting_for_approval");
    expect(await decide(writer.secret, "bounds", { ...wide, remember: { scope: "session" } })).toBe("202");
    const [kept] = (await admin.call("listSessionRules", at("bounds"))).rules;
    expect(kept).toMatchObject({ created_by: `token:${writer.name}`, expires_at_ms: writer.expires_at_ms });
    await until("the next request", async () => idOf(await admin.call("getRun", of(run_id))) !== idOf(first));
    const second = await reached(run_id, "waiting_for_approval");
    expect(await decide(ruler.secret, "bounds", { ...wide, request_id: idOf(second) })).toBe("202");
    expect((await reached(run_id, "completed")).request.approval_count).toBe(2);
  });

  test.each([
    ["POST", "/v1/sessions/verbs/permissions/rules"],
    ["PUT", "/v1/sessions/verbs/permissions/rules/a"],
    ["DELETE", "/v1/sessions/verbs/permissions/rules/a"],
    ["GET", "/v1/sessions/verbs/permissions/rules"],
    ["POST", "/v1/runtime/permissions/rules"],
    ["GET", "/v1/runtime/permissions/rules"],
  ])("%s %s takes admin, and no other verb is enough", async (method, path) => {
    const body =
      method === "GET" || method === "DELETE" ? undefined : { tool_name_pattern: "x", behavior: "deny" };
    for (const verb of ["read", "write"] as const) {
      const { secret } = await guarded().token({ verbs: [verb] });
      expect(await guarded().outcome(secret, method, path, body)).toBe("insufficient_access");
    }
    const { secret } = await guarded().token({ verbs: ["admin"] });
    expect(await guarded().outcome(secret, method, path, body)).not.toBe("insufficient_access");
  });
});

describe("an approval that nobody answers is escalated", () => {
  const operator = {
    enabled: true,
    allow_notify: true,
    allow_questions: true,
    approval_timeout_ms: MINUTE,
    approval_on_timeout: "escalate",
    escalation_timeout_ms: 5 * MINUTE,
  };

  async function waitingRun() {
    const rig = await createRig([testTool("bash", { execute: async () => succeeded("ran") })]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    await session.call("putOperator", { operator });
    const { run_id } = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "done" }]);
    const run = await session.reaches(run_id, "waiting_for_approval");
    expect(run.pending_approvals).toMatchObject([{ on_timeout: "escalate" }]);
    return { rig, daemon, session, run_id };
  }

  test("at its deadline, waits once more, and is denied after that", async () => {
    const { rig, session, run_id } = await waitingRun();
    await rig.clock.advance(MINUTE);
    await until("the escalation", async () => (await session.events("approval_escalated")).length === 1);
    const escalated = await session.run(run_id);
    expect(escalated.pending_approvals).toMatchObject([
      { escalated_at_ms: rig.clock.now(), expires_at_ms: rig.clock.now() + 5 * MINUTE },
    ]);
    await rig.clock.advance(5 * MINUTE - 1);
    expect((await session.run(run_id)).status).toBe("waiting_for_approval");
    await rig.clock.advance(1);
    expect(await session.settled(run_id)).toMatchObject({ status: "completed" });
    expect(await session.events("approval_escalated")).toHaveLength(1);
    expect(await session.events("approval_resolved")).toMatchObject([{ decided_by: "daemon" }]);
  });

  test("also when the deadline passed while no daemon was there", async () => {
    const { rig, daemon, session, run_id } = await waitingRun();
    await daemon.stop();
    await rig.clock.advance(2 * MINUTE);
    const next = await rig.boot({ store: daemon.store });
    const again = new TestSession(next, session.id);
    await until("the escalation", async () => (await again.events("approval_escalated")).length === 1);
    expect((await again.run(run_id)).pending_approvals).toMatchObject([
      { expires_at_ms: rig.clock.now() + 5 * MINUTE },
    ]);
  });

  test("and from then on allowed only by who may change the session's rules, denied by anyone", async () => {
    const { admin } = guarded();
    for (const [name, last] of [
      ["raised-no", "deny"],
      ["raised-yes", "allow"],
    ] as const) {
      await admin.call("createSession", { body: { session_id: name } });
      const quick = { ...operator, approval_timeout_ms: 50, escalation_timeout_ms: 600_000 } as never;
      await admin.call("putOperator", { ...at(name), body: { operator: quick } });
      const content = script(bash("echo x"), say("done"));
      const { run_id } = await admin.call("submitRun", { ...at(name), body: { content } });
      await until("the escalation", async () => {
        const [asked] = (await admin.call("getRun", of(run_id))).pending_approvals ?? [];
        return asked?.escalated_at_ms !== undefined;
      });
      const request_id = idOf(await admin.call("getRun", of(run_id)));
      const writer = await guarded().token({ verbs: ["write"], resources: [`sessions/${name}`] });
      const ruler = await guarded().token({ verbs: ["write", "admin"], resources: [`sessions/${name}`] });
      expect(await decide(writer.secret, name, { request_id, behavior: "allow" })).toBe(
        "insufficient_access",
      );
      const by = last === "deny" ? writer : ruler;
      expect(await decide(by.secret, name, { request_id, behavior: last })).toBe("202");
      await reached(run_id, "completed");
    }
  });
});
