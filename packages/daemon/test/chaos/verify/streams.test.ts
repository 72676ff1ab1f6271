import { createServer, type Server } from "node:http";
import type { SessionEventLog } from "@kheish/contract";
import { afterEach, describe, expect, test } from "vitest";
import type { Frame } from "../../support/follow.ts";
import { Findings } from "./findings.ts";
import { checkStreams, everything } from "./streams.ts";

/** The ids of a session's events as somebody delivers them; the n-th event has the id n. */
type Delivery = readonly number[];

let server: Server | undefined;
afterEach(
  () => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))),
);

function frame(id: number): Frame {
  const trace = { kind: "input_received", session_id: "s", seq: id };
  return { id: String(id), event: "trace", data: { type: "trace", trace } };
}

/** A daemon whose fresh reading is this. */
async function serve(fresh: Delivery): Promise<string> {
  const text = fresh
    .map((id) => `id: ${id}\nevent: trace\ndata: ${JSON.stringify(frame(id).data)}\n\n`)
    .join("");
  const daemon = createServer((_request, response) => response.end(text));
  server = daemon;
  await new Promise<void>((resolve) => daemon.listen(0, "127.0.0.1", resolve));
  const address = daemon.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function verdict(given: { followed: Delivery; fresh: Delivery; events: number }) {
  const findings = new Findings();
  const frames = given.followed.map(frame);
  const following = { frames, last: Promise.resolve(undefined), reached: async () => [] };
  const journal = [{ offset: given.events, timestamp_ms: 0, event: { type: "input_received" } }];
  const log = { session: { session_id: "s", journal }, run_events: [] } as unknown as SessionEventLog;
  const followed = [{ name: "the stream", following, carries: everything }];
  await checkStreams(await serve(given.fresh), String(given.fresh.at(-1)), followed, [log], findings);
  return { gaps: findings.count("gaps"), duplicates: findings.count("duplicates") };
}

describe("what was followed against what is there", () => {
  test("all of it once: fine", async () => {
    expect(await verdict({ followed: [1, 2, 3], fresh: [1, 2, 3], events: 3 })).toEqual({
      gaps: 0,
      duplicates: 0,
    });
  });

  test.each([
    ["one was left out", { followed: [1, 3], fresh: [1, 2, 3], events: 3 }],
    ["the end is missing", { followed: [1, 2], fresh: [1, 2, 3], events: 3 }],
    ["one came too late", { followed: [1, 3, 2], fresh: [1, 2, 3], events: 3 }],
  ])("%s: a gap", async (_what, given) => {
    expect(await verdict(given)).toEqual({ gaps: 1, duplicates: 0 });
  });

  test("a fresh reading that shows less than the session's history has gaps, too", async () => {
    expect((await verdict({ followed: [1, 3], fresh: [1, 3], events: 3 })).gaps).toBeGreaterThan(0);
  });

  test("one came twice: a duplicate", async () => {
    const given = { followed: [1, 2, 2, 3], fresh: [1, 2, 3], events: 3 };
    expect(await verdict(given)).toEqual({ gaps: 0, duplicates: 1 });
  });
});
