import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { Daemon } from "../support/daemon.ts";
import { getJson } from "../support/http.ts";
import { closedLoop } from "../support/load.ts";
import { medianOf, percentile, round } from "../support/measure.ts";
import { RawHttp } from "../support/raw-http.ts";
import { ROUNDS } from "../support/rounds.ts";

/** Humans answer one after the other; a policy or a batch answers many at once. */
const AT_ONCE = [1, 32];

interface Round {
  p50: number;
  p99: number;
  perSecond: number;
}

/**
 * From the yes to what it allows: runs wait for an approval of `write_file`, each is answered, and the file says when it
 * was written. That is the tool's start with all of its work, so the figure can only be too high, but for the four
 * milliseconds by which the kernel's clock for files may be late.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const answers = quick ? 32 : 500;
  const rounds = quick ? 1 : ROUNDS;
  for (const atOnce of AT_ONCE) {
    for (const rules of [0, 100]) {
      const daemon = await Daemon.start();
      try {
        await makeRules(daemon, rules);
        const played: Round[] = [];
        for (let index = 0; index < rounds; index++)
          played.push(await play(daemon, `${index}`, answers, atOnce));
        const p99 = medianOf(played, (one) => one.p99);
        yield {
          side: "kheish",
          at_once: atOnce,
          rules,
          answers,
          start_p50_ms: medianOf(played, (one) => one.p50),
          start_p99_ms: p99,
          answers_per_s: medianOf(played, (one) => one.perSecond),
          rounds,
          aims: atOnce === 1 ? [atMost("answer to tool start p99 ms", 50, p99)] : [],
        };
      } finally {
        await daemon.remove();
      }
    }
  }
}

/** Rules that look into the input of what they do not fit. */
async function makeRules(daemon: Daemon, count: number): Promise<void> {
  const http = new RawHttp(daemon.baseUrl);
  for (let n = 0; n < count; n++) {
    const match = { path: [`docs/part-${n}/**`] };
    const rule = { tool_name_pattern: "write_file", behavior: "deny", match };
    await http.call("POST", "/v1/runtime/permissions/rules", JSON.stringify(rule));
  }
}

async function play(daemon: Daemon, name: string, answers: number, atOnce: number): Promise<Round> {
  const session = (index: number) => `answered-${name}-${index}`;
  const file = (index: number) => `${session(index)}.txt`;
  const http = new RawHttp(daemon.baseUrl);
  await closedLoop(32, answers, async (index) => {
    const write = { name: "write_file", input: { path: file(index), content: "yes" } };
    const script = { simulate: [{ tool_calls: [write] }, { text: "done" }] };
    await http.call("POST", "/v1/sessions", JSON.stringify({ session_id: session(index) }));
    const body = JSON.stringify({ content: JSON.stringify(script) });
    await http.call("POST", `/v1/sessions/${session(index)}/runs`, body);
  });
  const requests = await waiting(daemon, answers);
  const took: number[] = [];
  const begun = performance.now();
  await closedLoop(atOnce, answers, async (index) => {
    const request_id = requests.get(session(index));
    const body = JSON.stringify({ resolutions: [{ request_id, behavior: "allow" }] });
    const sent = performance.timeOrigin + performance.now();
    await http.call("POST", `/v1/sessions/${session(index)}/approvals`, body);
    const path = join(daemon.workspace, file(index));
    took.push(Number(statSync(path, { bigint: true }).mtimeNs) / 1e6 - sent);
    rmSync(path);
  });
  const seconds = (performance.now() - begun) / 1_000;
  return {
    p50: round(percentile(took, 0.5)),
    p99: round(percentile(took, 0.99)),
    perSecond: round(answers / seconds),
  };
}

/** The request of each session, once all of them wait. */
async function waiting(daemon: Daemon, count: number): Promise<Map<string, string>> {
  for (;;) {
    const found = new Map<string, string>();
    let cursor: string | undefined;
    do {
      const query = `status=waiting_for_approval&page=true&limit=100${cursor === undefined ? "" : `&cursor=${cursor}`}`;
      const { items, pagination } = await getJson<{
        items: { session_id: string; pending_approval_ids?: string[] }[];
        pagination: { next_cursor?: string };
      }>(`${daemon.baseUrl}/v1/runs?${query}`);
      for (const run of items) found.set(run.session_id, run.pending_approval_ids?.[0] ?? "");
      cursor = pagination.next_cursor;
    } while (cursor !== undefined);
    if (found.size >= count) return found;
    await pause(100);
  }
}
