import { beforeAll, describe, expect, test } from "vitest";
import { problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { type List, ListReader } from "./support/lists.ts";
import { at } from "./support/params.ts";
import { ASKING, bash, say, script } from "./support/script.ts";

const LISTS: List[] = ["listSessions", "listRuns", "listQuestions", "sessionPermissionAudits"];

/** Keys that are decoded well and are of no list, or of another one. */
const FOREIGN_KEYS = [
  "🦉",
  "\u0001\u0000",
  "session-1",
  "1:run-1/x",
  "7",
  "-7",
  "9e99",
  ":",
  "9e99:x",
  "-5:x",
];

export function lists(fixture: Fixture): void {
  const { api } = fixture;
  const reader = new ListReader(api);

  test("03, questions are listed in the order of their asking, and a cursor outlives what it points at", async () => {
    const left = await reader.array("listQuestions");
    for (const { session_id } of left) await fixture.quiet(session_id);
    const runs: string[] = [];
    for (let index = 0; index < 5; index++) runs.push((await fixture.beginWaiting(ASKING)).run_id);
    const all = await reader.array("listQuestions");
    expect(all.map(({ run_id }) => run_id)).toEqual(runs);
    await reader.expectPages("listQuestions", all, "created_at_ms_asc,request_id_asc");
    expect(await reader.array("listQuestions", { query: { limit: "2" } })).toEqual(all.slice(0, 2));

    const first = await reader.page("listQuestions", { query: { page: "true", limit: "2" } });
    for (const runId of runs.slice(0, 3)) await fixture.cancel(runId);
    const rest = await reader.page("listQuestions", {
      query: { cursor: first.pagination.next_cursor ?? "" },
    });
    expect(rest.items).toEqual(all.slice(3));
    expect(rest.pagination).toMatchObject({ total_count: 2, has_more: false });
    const lost = await api.refusal("listQuestions", { query: { session_id: "nobody" } });
    expect(lost).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
  });

  test("permission audits come in the order of the journal", async () => {
    const { session_id } = await fixture.beginWaiting(script(bash("1", "2", "3", "4", "5"), say("done")));
    const all = await reader.array("sessionPermissionAudits", at(session_id));
    expect(all.map(({ tool_call_id }) => tool_call_id)).toEqual([0, 1, 2, 3, 4].map((n) => `sim-0-${n}`));
    await reader.expectPages("sessionPermissionAudits", all, "sequence_asc", at(session_id));
  });

  describe.each(LISTS)("%s", (list) => {
    let session_id = "";
    beforeAll(async () => {
      session_id = await fixture.session();
    });

    test("01-R2 refuses a limit that is none, with pages and without", async () => {
      for (const limit of ["0", "-1", "1.5", "abc", "", " 1", "1e2", "0x10"]) {
        for (const query of [{ limit }, { limit, page: "true" }]) {
          const refused = await api.refusal(list, { ...at(session_id), query });
          expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_limit" });
        }
      }
    });

    test("01-R2 takes 100 for a larger limit, and 50 for none", async () => {
      for (const limit of ["101", "999999999", "99999999999999999999"]) {
        const { pagination } = await reader.page(list, { ...at(session_id), query: { page: "true", limit } });
        expect(pagination.limit).toBe(100);
      }
      const { pagination } = await reader.page(list, { ...at(session_id), query: { page: "true" } });
      expect(pagination.limit).toBe(50);
    });

    test("01-R3 refuses a cursor that cannot be decoded", async () => {
      for (const cursor of ["", "!", "ab=", "a", "a b", "ä"]) {
        const refused = await api.refusal(list, { ...at(session_id), query: { cursor } });
        expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_cursor" });
      }
    });

    test("01-R3 comes to no harm by a cursor that somebody made up", async () => {
      for (const key of FOREIGN_KEYS) {
        const query = { cursor: Buffer.from(key).toString("base64url") };
        const { pathname, search } = new URL(api.url(list, { ...at(session_id), query }));
        const reply = await api.send("GET", pathname + search);
        if (reply.status !== 200) expect(problemIn(reply, key)).toMatchObject({ code: "invalid_cursor" });
      }
    });
  });
}
