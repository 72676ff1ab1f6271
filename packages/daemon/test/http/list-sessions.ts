import type { SessionViewSummary } from "@kheish/contract";
import { beforeAll, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { ListReader } from "./support/lists.ts";

const ODD_IDS = ["a/b é", "..x", "%", "🦉", "ﬀ", "Z", "_", "~", "a", "aa", "a b", "ü", "漢字"];
/** More than a page may hold. */
const SESSIONS = 103;

export function listSessions(fixture: Fixture): void {
  const lists = new ListReader(fixture.api);
  let all: SessionViewSummary[] = [];

  beforeAll(async () => {
    for (const session_id of ODD_IDS) await fixture.session({ session_id });
    while ((await lists.array("listSessions")).length < SESSIONS) await fixture.session();
    all = await lists.array("listSessions");
  });

  test("01-R1 an array without page or cursor, an envelope with either", async () => {
    expect(await lists.array("listSessions", { query: { page: "false" } })).toEqual(all);
    const first = await lists.page("listSessions", { query: { page: "true" } });
    expect(first.items).toEqual(all.slice(0, 50));
    const query = { cursor: first.pagination.next_cursor ?? "", limit: "99" };
    const rest = await lists.page("listSessions", { query });
    expect(rest.items).toEqual(all.slice(50));
    expect(rest.pagination).toMatchObject({ limit: 99, has_more: false });
  });

  test("01-R5 they ascend by their id, and odd ones stand where their bytes put them", async () => {
    const ids = all.map(({ session_id }) => session_id);
    expect(ids).toEqual(ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(ids).toEqual(expect.arrayContaining(ODD_IDS));
    await lists.expectPages("listSessions", all, "session_id_asc");
  });

  test("01-R6 with a limit and no page: the first ones", async () => {
    expect(await lists.array("listSessions", { query: { limit: "3" } })).toEqual(all.slice(0, 3));
    expect(await lists.array("listSessions", { query: { limit: "102" } })).toEqual(all.slice(0, 102));
  });

  test("01-R3 a cursor is a place, whatever stands there", async () => {
    const cursorAt = (id: string) => Buffer.from(id).toString("base64url");
    const behind = await lists.page("listSessions", { query: { cursor: cursorAt("a") } });
    expect(behind.items[0]?.session_id).toBe("a b");
    const between = await lists.page("listSessions", { query: { cursor: cursorAt("a c") } });
    expect(between.items[0]?.session_id).toBe("a/b é");
  });

  test("01-R7 no session is bound to a persona in this version", async () => {
    expect(await lists.array("listSessions", { query: { persona_id: "p" } })).toEqual([]);
    const empty = await lists.page("listSessions", { query: { persona_id: "p", page: "true" } });
    expect(empty).toMatchObject({ items: [], pagination: { total_count: 0, has_more: false } });
  });
}
