import type { EndpointId, ListPage, RunView, SessionViewSummary } from "@kheish/contract";
import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, type LooseCall, problemIn } from "./client.ts";
import { type Fixture, type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, bash, ENDLESS, say, script } from "./script.ts";

const ODD_IDS = ["a/b é", "..x", "%", "🦉", "ﬀ", "Z", "_", "~", "a", "aa", "a b", "ü", "漢字"];
/** More than a page may hold. */
const SESSIONS = 103;
const SIZES = [1, 2, 7, 50, 100];

type List = Extract<EndpointId, "listSessions" | "listRuns" | "listQuestions" | "sessionPermissionAudits">;
type Item<E extends List> = Extract<Answer<E>, unknown[]>[number];
type Page<E extends List> = ListPage<Item<E>>;

export function lists(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;

  /** A list without an envelope. */
  const plain = async <E extends List>(endpoint: E, call: LooseCall = {}): Promise<Item<E>[]> => {
    const { answer } = await api.exchange(endpoint, call);
    if (!Array.isArray(answer)) throw new Error(`${endpoint} answered no array`);
    return answer as Item<E>[];
  };
  const page = async <E extends List>(endpoint: E, call: LooseCall = {}): Promise<Page<E>> => {
    const { answer } = await api.exchange(endpoint, call);
    if (Array.isArray(answer)) throw new Error(`${endpoint} answered an array`);
    return answer as unknown as Page<E>;
  };
  /** All pages of a list, one after the other. */
  const walk = async <E extends List>(
    endpoint: E,
    limit: number,
    call: LooseCall = {},
  ): Promise<Page<E>[]> => {
    const pages: Page<E>[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const query = {
        page: "true",
        limit: String(limit),
        ...call.query,
        ...(cursor === "" ? {} : { cursor }),
      };
      const next: Page<E> = await page(endpoint, { ...call, query });
      pages.push(next);
      cursor = next.pagination.next_cursor;
    }
    return pages;
  };
  /** 01-R3, 01-R4: whatever the page size, every item once, in order, and envelopes that tell the truth. */
  const walksLike = async <E extends List>(
    endpoint: E,
    expected: unknown[],
    order: string,
    call: LooseCall = {},
  ) => {
    for (const limit of SIZES) {
      const pages = await walk(endpoint, limit, call);
      expect(pages.flatMap(({ items }) => items)).toEqual(expected);
      for (const [index, { items, pagination }] of pages.entries()) {
        const last = index === pages.length - 1;
        expect(pagination).toEqual({
          limit,
          total_count: expected.length,
          has_more: !last,
          ...(last ? {} : { next_cursor: expect.stringMatching(/^[A-Za-z0-9_-]+$/) }),
          order,
        });
        if (!last) expect(items).toHaveLength(limit);
      }
    }
  };

  describe("sessions", () => sessionList(fixture, { plain, page, walksLike }));
  describe("runs", () => runList(fixture, { plain, page, walksLike }));

  describe("questions", () => {
    test("are listed in the order of their asking, and a cursor outlives the question it points at", async () => {
      for (const { run_id = "" } of await plain("listQuestions"))
        await api.call("cancelRun", { params: { run_id } });
      const runs: RunView[] = [];
      for (let index = 0; index < 5; index++) runs.push(await fixture.beginWaiting(ASKING));
      const all = await plain("listQuestions");
      expect(all.map(({ run_id }) => run_id)).toEqual(runs.map(({ run_id }) => run_id));
      await walksLike("listQuestions", all, "created_at_ms_asc,request_id_asc");
      expect(await plain("listQuestions", { query: { limit: "2" } })).toEqual(all.slice(0, 2));

      const first = await page("listQuestions", { query: { page: "true", limit: "2" } });
      for (const { run_id } of runs.slice(0, 3)) await api.call("cancelRun", { params: { run_id } });
      const cursor = first.pagination.next_cursor ?? "";
      const rest = await page("listQuestions", { query: { cursor } });
      expect(rest.items).toEqual(all.slice(3));
      expect(rest.pagination).toMatchObject({ total_count: 2, has_more: false });

      const lost = await api.refusal("listQuestions", { query: { session_id: "nobody" } });
      expect(lost).toMatchObject({ status: 404, code: "session_not_found" });
    });
  });

  describe("permission audits", () => {
    test("come in the order of the journal", async () => {
      const session_id = await fixture.session();
      await api.call("putToolOverrides", {
        params: { session_id },
        body: { tool_overrides: { disable: ["noop"] } },
      });
      const { run_id } = await fixture.submit(session_id, script(bash("1", "2", "3", "4", "5"), say("done")));
      await fixture.reaches(run_id, "waiting_for_approval");
      const call = { params: { session_id } };
      const all = await plain("sessionPermissionAudits", call);
      expect(all.map(({ tool_call_id }) => tool_call_id)).toEqual([0, 1, 2, 3, 4].map((n) => `sim-0-${n}`));
      await walksLike("sessionPermissionAudits", all, "sequence_asc", call);
      await api.call("cancelRun", { params: { run_id } });
    });
  });

  describe("what every list refuses", () => {
    const LISTS: List[] = ["listSessions", "listRuns", "listQuestions", "sessionPermissionAudits"];
    let session_id = "";
    beforeAll(async () => {
      session_id = await fixture.session();
    });

    test.each(LISTS)("01-R2 %s: a limit that is none, with and without pages", async (list) => {
      for (const limit of ["0", "-1", "1.5", "abc", "", " 1", "1e2", "0x10"]) {
        for (const query of [{ limit }, { limit, page: "true" }]) {
          const refused = await api.refusal(list, { params: { session_id }, query });
          expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_limit" });
        }
      }
    });

    test.each(LISTS)("01-R2 %s: a limit that is too large is the largest", async (list) => {
      for (const limit of ["101", "999999999", "99999999999999999999"]) {
        const { pagination } = await page(list, { params: { session_id }, query: { page: "true", limit } });
        expect(pagination.limit).toBe(100);
      }
      const { pagination } = await page(list, { params: { session_id }, query: { page: "true" } });
      expect(pagination.limit).toBe(50);
    });

    test.each(LISTS)("01-R3 %s: a cursor that cannot be decoded", async (list) => {
      for (const cursor of ["", "!", "ab=", "a", "a b", "ä"]) {
        const refused = await api.refusal(list, { params: { session_id }, query: { cursor } });
        expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_cursor" });
      }
    });

    test.each(LISTS)("01-R3 %s: a cursor of any other list does no harm", async (list) => {
      const foreign = [
        "🦉",
        "\u0001\u0000",
        "session-1",
        "00000000000000000001:run-1",
        "1:run-1/x",
        "7",
        "-7",
        "9e99",
        ":",
        "9e99:x",
        "-5:x",
      ];
      for (const text of foreign) {
        const cursor = Buffer.from(text).toString("base64url");
        const { pathname, search } = new URL(api.url(list, { params: { session_id }, query: { cursor } }));
        const reply = await api.send("GET", pathname + search);
        expect([200, 400]).toContain(reply.status);
        if (reply.status === 400) expect(problemIn(reply, list)).toMatchObject({ code: "invalid_cursor" });
      }
    });
  });
}

interface Reading {
  plain: <E extends List>(endpoint: E, call?: LooseCall) => Promise<Item<E>[]>;
  page: <E extends List>(endpoint: E, call?: LooseCall) => Promise<Page<E>>;
  walksLike: <E extends List>(
    endpoint: E,
    expected: unknown[],
    order: string,
    call?: LooseCall,
  ) => Promise<void>;
}

function sessionList(fixture: Fixture, { plain, page, walksLike }: Reading): void {
  let all: SessionViewSummary[] = [];

  beforeAll(async () => {
    for (const session_id of ODD_IDS) await fixture.session({ session_id });
    while ((await plain("listSessions")).length < SESSIONS) await fixture.session();
    all = await plain("listSessions");
  });

  test("01-R1 an array without page or cursor, an envelope with either", async () => {
    expect(await plain("listSessions", { query: { page: "false" } })).toEqual(all);
    const first = await page("listSessions", { query: { page: "true" } });
    expect(first.items).toEqual(all.slice(0, 50));
    const rest = await page("listSessions", {
      query: { cursor: first.pagination.next_cursor ?? "", limit: "99" },
    });
    expect(rest.items).toEqual(all.slice(50));
    expect(rest.pagination).toMatchObject({ limit: 99, has_more: false });
  });

  test("01-R5 ascend by their id, and odd ones stand where their bytes put them", async () => {
    const ids = all.map(({ session_id }) => session_id);
    expect(ids).toEqual(ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    for (const id of ODD_IDS) expect(ids).toContain(id);
    await walksLike("listSessions", all, "session_id_asc");
  });

  test("01-R6 with a limit and no page: the first ones", async () => {
    expect(await plain("listSessions", { query: { limit: "3" } })).toEqual(all.slice(0, 3));
    expect(await plain("listSessions", { query: { limit: "102" } })).toEqual(all.slice(0, 102));
  });

  test("01-R3 a cursor is a place, whether or not anything stands there", async () => {
    const between = Buffer.from("a").toString("base64url");
    const { items } = await page("listSessions", { query: { cursor: between } });
    expect(items[0]?.session_id).toBe("a b");
  });

  test("01-R7 no session is bound to a persona in this version", async () => {
    expect(await plain("listSessions", { query: { persona_id: "p" } })).toEqual([]);
    const empty = await page("listSessions", { query: { persona_id: "p", page: "true" } });
    expect(empty).toMatchObject({ items: [], pagination: { total_count: 0, has_more: false } });
  });
}

function runList(fixture: Fixture, { plain, page, walksLike }: Reading): void {
  const session_id = "a/b é";
  const own = { query: { session_id } };
  let all: RunView[] = [];
  let mine: RunView[] = [];

  beforeAll(async () => {
    for (let index = 0; index < 12; index++) await fixture.finish(session_id, script(say(`run ${index}`)));
    await fixture.finish("🦉", script(say("hoot")));
    await fixture.beginWaiting(ASKING);
    await fixture.submit(session_id, ENDLESS);
    await fixture.submit(session_id, script(say("queued")));
    all = await plain("listRuns");
    mine = all.filter((run) => run.session_id === session_id);
  });

  test("01-R8 without a limit: all that match, by the time of their submission", async () => {
    expect(all).toHaveLength(16);
    const keys = all.map(({ submitted_at_ms }) => submitted_at_ms);
    expect(keys).toEqual(keys.toSorted((a, b) => a - b));
    expect(await plain("listRuns", own)).toEqual(mine);
    expect(await plain("listRuns", { query: { session_id: "nobody" } })).toEqual([]);
  });

  test("01-R9 with a limit and no page: the newest ones, still ascending", async () => {
    expect(await plain("listRuns", { query: { limit: "3" } })).toEqual(all.slice(-3));
    expect(await plain("listRuns", { query: { limit: "3", session_id } })).toEqual(mine.slice(-3));
    expect(await plain("listRuns", { query: { limit: "99" } })).toEqual(all);
  });

  test("01-R10 with priority_active: those that are not over first, then by their last change", async () => {
    const over = (run: RunView) => (run.finished_at_ms === undefined ? 0 : 1);
    const expected = (runs: RunView[]) =>
      runs.toSorted(
        (a, b) =>
          over(a) - over(b) || b.updated_at_ms - a.updated_at_ms || b.submitted_at_ms - a.submitted_at_ms,
      );
    const ids = (runs: RunView[]) => runs.map(({ run_id }) => run_id);
    for (const limit of [1, 3, 5, 99]) {
      const query = { limit: String(limit), priority_active: "true" };
      expect(ids(await plain("listRuns", { query }))).toEqual(ids(expected(all)).slice(0, limit));
      const filtered = await plain("listRuns", { query: { ...query, session_id } });
      expect(ids(filtered)).toEqual(ids(expected(mine)).slice(0, limit));
    }
    expect(await plain("listRuns", { query: { priority_active: "true" } })).toEqual(all);
  });

  test("01-R11 page by page in both orders, and no other", async () => {
    await walksLike("listRuns", all, "submitted_at_ms_asc,run_id_asc");
    await walksLike("listRuns", mine, "submitted_at_ms_asc,run_id_asc", {
      query: { session_id, order: "asc" },
    });
    await walksLike("listRuns", all.toReversed(), "submitted_at_ms_desc,run_id_desc", {
      query: { order: "desc" },
    });
    const query = { session_id, order: "desc" };
    await walksLike("listRuns", mine.toReversed(), "submitted_at_ms_desc,run_id_desc", { query });
    for (const order of ["", "ASC", "newest"]) {
      const refused = await fixture.api.refusal("listRuns", { query: { page: "true", order } });
      expect(refused).toMatchObject({ status: 400, domain: "pagination", code: "invalid_order" });
    }
  });

  test("01-R11 the cursor of a run is its padded submission time and its id", async () => {
    const { pagination, items } = await page("listRuns", { query: { page: "true", limit: "1" } });
    const [run] = items;
    const key = `${String(run?.submitted_at_ms).padStart(20, "0")}:${run?.run_id}`;
    expect(Buffer.from(pagination.next_cursor ?? "", "base64url").toString()).toBe(key);
  });

  test("by status", async () => {
    const queued = await plain("listRuns", { query: { status: "queued" } });
    expect(queued).toMatchObject([{ session_id, status: "queued", queued_position: 1 }]);
    const completed = all.filter(({ status }) => status === "completed");
    await walksLike("listRuns", completed, "submitted_at_ms_asc,run_id_asc", {
      query: { status: "completed" },
    });
    const refused = await fixture.api.refusal("listRuns", { query: { status: "sleeping" } });
    expect(refused).toMatchObject({ status: 400, domain: "api", code: "request_query_invalid" });
  });
}
