import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ACTIVE, say, script } from "./support/script.ts";

export function sessionEnd(fixture: Fixture): void {
  const { api } = fixture;
  const end = (session_id: string, reason?: string | null) =>
    api.call("endSession", { ...at(session_id), body: reason === undefined ? {} : { reason } });

  test("01-R19 01-A5 sets a mark with its reason; new work takes it away and the journal says so", async () => {
    const session_id = await fixture.session();
    const ended = await end(session_id, "done for today");
    expect(ended.ended_reason).toBe("done for today");
    expect(ended.ended_at_ms).toBeGreaterThanOrEqual(ended.created_at_ms);
    expect(await api.call("getSession", at(session_id))).toEqual(ended);

    await fixture.finish(session_id, script(say("back")));
    const reopened = await api.call("getSession", at(session_id));
    expect(reopened).not.toHaveProperty("ended_at_ms");
    expect(reopened).not.toHaveProperty("ended_reason");
    const types = (await fixture.journalOf(session_id)).map(({ type }) => type);
    expect(types).toEqual([
      "session_created",
      "session_ended",
      "session_reopened",
      "input_received",
      "message_appended",
    ]);
  });

  test("01-A5 a reason does not outlive the end that it was given for", async () => {
    const session_id = await fixture.session();
    await end(session_id, "first");
    const again = await end(session_id, null);
    expect(again.ended_at_ms).toBeDefined();
    expect(again).not.toHaveProperty("ended_reason");
  });

  test.each(ACTIVE)("01-R15 409 session_not_idle within $what", async ({ status, content }) => {
    const { run_id, session_id } = await fixture.begin(content);
    await fixture.reaches(run_id, status);
    await fixture.leavesAlone(session_id, async () => {
      const refused = await api.refusal("endSession", { ...at(session_id), body: {} });
      expect(refused).toMatchObject({ status: 409, domain: "sessions", code: "session_not_idle" });
    });
    await fixture.cancel(run_id);
    await end(session_id);
  });
}
