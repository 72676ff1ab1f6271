import { existsSync } from "node:fs";
import { join } from "node:path";
import type { OperatorConfig, RunView } from "@kheish/contract";
import { expect, test } from "vitest";
import { ALLOW, Approver, batch, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { bash, IN_TIME_MS, say, script } from "./support/script.ts";

export function approvalExpiry(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);
  const exists = (name: string) => existsSync(join(fixture.daemon.workspace, name));

  /** A run in a session whose approvals expire. */
  const begin = async (content: string, operator: Partial<OperatorConfig>): Promise<RunView> => {
    const session_id = await fixture.session();
    await api.call("putOperator", { ...at(session_id), body: { operator } });
    return fixture.submit(session_id, content);
  };

  test("01-A10 deny, the default: the model reads that nobody answered, and it cannot be allowed any more", async () => {
    const content = script(bash("touch denied-late"), say("{{last_tool_output}}"));
    const { run_id } = await begin(content, { approval_timeout_ms: 150 });
    const run = await fixture.settles(run_id);
    expect(run.status).toBe("completed");
    expect(run.outputs?.[0]?.content).toContain("was not answered before");
    expect(exists("denied-late")).toBe(false);
    const [asked] = (await api.call("runEvents", of(run_id))).flatMap(({ event }) =>
      event.type === "waiting_for_approval" ? (event.requests ?? []) : [],
    );
    expect(asked).toMatchObject({ on_timeout: "deny" });
    expect(asked?.expires_at_ms).toBeGreaterThan(run.started_at_ms ?? 0);
    const late = await approver.refusal(run, batch([asked?.id ?? "", ALLOW]));
    expect(late).toMatchObject({ status: 409, domain: "approvals", code: "approval_state_conflict" });
  });

  test("01-A10 cancel: the run is cancelled, and says what it waited for", async () => {
    const content = script(bash("touch cancelled-late"), say("never"));
    const { run_id } = await begin(content, { approval_timeout_ms: 150, approval_on_timeout: "cancel" });
    const run = await fixture.settles(run_id);
    expect(run.status).toBe("cancelled");
    expect(run.error).toMatch(/approval 'approval-bash-.*' was not answered before \d{4}-/);
    expect(exists("cancelled-late")).toBe(false);
  });

  test("01-A10 each request expires by itself: an answer in time holds", async () => {
    const content = script(bash("touch in-time", "touch too-late"), say("done"));
    const { run_id } = await begin(content, { approval_timeout_ms: IN_TIME_MS });
    const run = await fixture.reaches(run_id, "waiting_for_approval");
    await approver.decide(run, [requestOf(run), ALLOW]);
    expect((await fixture.settles(run_id)).status).toBe("completed");
    expect([exists("in-time"), exists("too-late")]).toEqual([true, false]);
  });
}
