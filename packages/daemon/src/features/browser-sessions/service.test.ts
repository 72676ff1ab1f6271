import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { systemRandom } from "../../kernel/random.ts";
import { openSqliteStore } from "../../kernel/sqlite/index.ts";
import type { Store } from "../../kernel/store.ts";
import type { Actor } from "../binding.ts";
import { BrowserSessionService } from "./index.ts";

const ADMIN: Actor = { principal: { id: "admin-token", access: "admin" }, requestId: "req_1" };
const BEHIND = { tokenSha256: "a".repeat(64) };
const DAY_MS = 86_400_000;

let directory: string;
let store: Store;
let clock: SimulatedClock;
let sessions: BrowserSessionService;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-browsers-"));
  store = await openSqliteStore({ path: join(directory, "kheish.db") });
  clock = new SimulatedClock();
  sessions = new BrowserSessionService({ store, clock, random: systemRandom });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

test("08 a browser is signed in for thirty days, to the millisecond", async () => {
  const { presented } = await sessions.create(BEHIND, ADMIN);
  await clock.advance(30 * DAY_MS - 1);
  expect(await sessions.behind(presented)).toEqual(BEHIND);
  await clock.advance(1);
  expect(await sessions.behind(presented)).toBeUndefined();
});

test("08 the journal has who signed in and out with which request, and nothing at rest could be used", async () => {
  const { presented } = await sessions.create(BEHIND, ADMIN);
  const [kept] = await store.list("browser_session", { index: "expires", limit: 10 });
  const journal = () => store.readStream("browser_sessions");
  for (const secret of [presented.cookie, presented.key])
    expect(JSON.stringify([kept, await journal()])).not.toContain(secret);
  await sessions.end(presented.id, { ...ADMIN, requestId: "req_2" });
  const who = { browser_session_id: presented.id, principal: "admin-token" };
  expect((await journal()).map(({ type, data }) => [type, data])).toEqual([
    ["browser_session_created", { ...who, request_id: "req_1" }],
    ["browser_session_ended", { ...who, request_id: "req_2" }],
  ]);
});

test("those that are over are forgotten when somebody signs in, and of a thousand the oldest", async () => {
  const kept = () => store.count("browser_session", { index: "expires" });
  const first = await sessions.create(BEHIND, ADMIN);
  await clock.advance(30 * DAY_MS);
  await sessions.create(BEHIND, ADMIN);
  expect(await kept()).toBe(1);
  await clock.advance(1);
  for (let n = 0; n < 1_005; n++) await sessions.create(BEHIND, ADMIN);
  expect(await kept()).toBe(1_000);
  expect(await sessions.behind(first.presented)).toBeUndefined();
});
