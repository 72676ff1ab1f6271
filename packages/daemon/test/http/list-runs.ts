import type { RunView } from "@kheish/contract";
import { beforeAll, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { ListReader } from "./support/lists.ts";
import { ASKING, ENDLESS, say, script } from "./support/script.ts";

const ASCENDING = "submitted_at_ms_asc,run_id_asc";
const DESCENDING = "submitted_at_ms_desc,run_id_desc";
const idsOf = (runs: readonly RunView[]) => runs.map(({ run_id }) => run_id);

export function listRuns(fixture: Fixture): void {
  const lists = new ListReader(fixture.api);
  const session_id = "runs of é/🦉";
  let all: RunView[] = [];
  let mine: RunView[] = [];

  beforeAll(async () => {
    await fixture.session({ session_id });
    for (let index = 0; index < 12; index++) await fixture.finish(session_id, script(say(`run ${index}`)));
    await fixture.finish(await fixture.session(), script(say("not mine")));
    await fixture.beginWaiting(ASKING);
    await fixture.submit(session_id, ENDLESS);
    await fixture.submit(session_id, script(say("queued")));
    all = await lists.array("listRuns");
    mine = all.filter((run) => run.session_id === session_id);
  });

  test("01-R8 without a limit: all that match, by the time of their submission", async () => {
    expect(all).toHaveLength(16);
    const times = all.map(({ submitted_at_ms }) => submitted_at_ms);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(await lists.array("listRuns", { query: { session_id } })).toEqual(mine);
    expect(await lists.array("listRuns", { query: { session_id: "nobody" } })).toEqual([]);
  });

  test("01-R9 with a limit and no page: the newest ones, still ascending", async () => {
    expect(await lists.array("listRuns", { query: { limit: "3" } })).toEqual(all.slice(-3));
    expect(await lists.array("listRuns", { query: { limit: "3", session_id } })).toEqual(mine.slice(-3));
    expect(await lists.array("listRuns", { query: { limit: "999" } })).toEqual(all);
  });

  test("01-R10 with priority_active: those that are not over first, then by their last change", async () => {
    const isOver = (run: RunView) => Number(run.finished_at_ms !== undefined);
    const byPriority = (runs: readonly RunView[]) =>
      runs.toSorted(
        (a, b) =>
          isOver(a) - isOver(b) || b.updated_at_ms - a.updated_at_ms || b.submitted_at_ms - a.submitted_at_ms,
      );
    for (const limit of [1, 3, 5, 999]) {
      const query = { limit: String(limit), priority_active: "true" };
      const first = await lists.array("listRuns", { query });
      expect(idsOf(first)).toEqual(idsOf(byPriority(all)).slice(0, limit));
      const own = await lists.array("listRuns", { query: { ...query, session_id } });
      expect(idsOf(own)).toEqual(idsOf(byPriority(mine)).slice(0, limit));
    }
    expect(await lists.array("listRuns", { query: { priority_active: "true" } })).toEqual(all);
  });

  test("01-R11 page by page in both orders, and in no other", async () => {
    await lists.expectPages("listRuns", all, ASCENDING);
    await lists.expectPages("listRuns", mine, ASCENDING, { query: { session_id, order: "asc" } });
    await lists.expectPages("listRuns", all.toReversed(), DESCENDING, { query: { order: "desc" } });
    const query = { session_id, order: "desc" };
    await lists.expectPages("listRuns", mine.toReversed(), DESCENDING, { query });
    for (const order of ["", "ASC", "newest"]) {
      const refused = await fixture.api.refusal("listRuns", { query: { page: "true", order } });
      expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_order" });
    }
  });

  test("01-R11 the cursor of a run is its padded submission time and its id", async () => {
    const { pagination, items } = await lists.page("listRuns", { query: { page: "true", limit: "1" } });
    const key = `${String(items[0]?.submitted_at_ms).padStart(20, "0")}:${items[0]?.run_id}`;
    expect(Buffer.from(pagination.next_cursor ?? "", "base64url").toString()).toBe(key);
  });

  test("by one status or several, in one session or all", async () => {
    const among = (runs: readonly RunView[], statuses: string) =>
      runs.filter(({ status }) => statuses.split(",").includes(status));
    for (const status of ["queued", "completed", "queued,running", "waiting_for_user_question,completed"]) {
      expect(await lists.array("listRuns", { query: { status } })).toEqual(among(all, status));
      const own = { query: { status, session_id } };
      expect(await lists.array("listRuns", own)).toEqual(among(mine, status));
      await lists.expectPages("listRuns", among(mine, status), ASCENDING, own);
    }
    for (const status of ["", "sleeping", "queued,sleeping"]) {
      const refused = await fixture.api.refusal("listRuns", { query: { status } });
      expect(refused).toMatchObject({ status: 400, domain: "api", code: "request_query_invalid" });
    }
  });
}
