import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isTerminal, type RunView, type SessionEventLog } from "@kheish/contract";
import { SupervisedDaemon } from "../daemon/supervised-daemon.ts";
import { Operator } from "../governed/operator.ts";
import type { ChaosOptions } from "../options.ts";
import { heading, isClean, type Report, rounded } from "../report.ts";
import { buildStage, keepLog, type Surroundings } from "../stage.ts";
import { Findings } from "../verify/findings.ts";
import { LedgerServers } from "./servers.ts";
import { type CallEnd, checkCalls, endOf } from "./verify.ts";

const ADMIN = "the-admin-token-of-this-chaos-0123456789";
const SESSIONS = 8;
const SUBMITTERS = 6;
const SETTLE_WITHIN_MS = 300_000;
const POLL_MS = 50;
const LIST_LIMIT = 10_000;
const LAST_KILL = 0.9;
const AFTER_MS: [number, number] = [0, 60];
const TOOLS = ["look", "upsert", "note"];

/**
 * Runs call two MCP servers, one of the daemon's own and one that stands elsewhere, with tools of each effect class,
 * while daemon and servers are killed in turn. What happened is what the servers wrote down.
 */
export async function mcpScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const began = performance.now();
  const { say, cleanup } = surroundings;
  const stage = await buildStage(options, surroundings);
  const beside = (name: string) => join(stage.place.workspace, "..", name);
  const servers = await LedgerServers.start(beside("ledger"));
  cleanup.defer(() => servers.stop());
  await writeFile(beside("mcp.toml"), servers.config);
  await writeFile(beside("admin-token"), ADMIN, { mode: 0o600 });
  const flags = ["--mcp-config", beside("mcp.toml"), "--http-admin-token-file", beside("admin-token")];
  const daemon = await SupervisedDaemon.at({
    ...stage.place,
    flags: [...flags, "--permission-mode", "bypass-permissions"],
  });
  cleanup.defer(() => daemon.dispose());
  let isFine = false;
  cleanup.defer(async () => {
    const log = isFine ? undefined : await keepLog(stage, options.seed);
    if (log !== undefined) say(`the daemon's log: ${log}`);
  });
  const admin = new Operator(daemon.baseUrl, ADMIN);
  await daemon.start();

  const sessions = Array.from({ length: Math.min(SESSIONS, options.runs) }, (_, index) => `s${index}`);
  for (const session of sessions) await admin.ask("POST", "/v1/sessions", { session_id: session });
  let isOver = false;
  const load = submitAll(options.runs, sessions, admin).then(() => settled(admin, options.runs));
  const killing = killAll(options, {
    daemon,
    servers,
    isOver: () => isOver,
    dice: stage.dice.for("kills"),
    say,
  });
  const findings = new Findings();
  if (!(await load)) findings.add("lost", "not all runs came to an end");
  isOver = true;
  await killing;
  await daemon.ready();
  say("looking at everything from outside");

  const ends = await endsOf(options.runs, sessions, admin);
  const lines = await servers.lines();
  checkCalls(ends, lines, findings);
  const { body } = await admin.ask("GET", `/v1/runs?limit=${LIST_LIMIT}`);
  const runs = body as RunView[];
  for (const { run_id, status, error } of runs)
    if (status !== "completed") findings.add("lost", `${run_id} is ${status}: ${error ?? "it says not why"}`);
  const status = (await admin.ask("GET", "/v1/status")).body as { events: { tail_event_id_cursor: string } };
  const report: Report = {
    ...heading(options),
    accepted: options.runs,
    settled: runs.filter((run) => isTerminal(run.status)).length,
    completed: runs.filter((run) => run.status === "completed").length,
    lost: findings.count("lost"),
    repeated: findings.count("repeated"),
    stream_gaps: 0,
    stream_duplicates: 0,
    unknown_surfaced: [...ends.values()].filter((end) => end === "unknown").length,
    unknown_told_by_tool: 0,
    given_up: [...ends.values()].filter((end) => end === "refused").length,
    effects: lines.length,
    lost_acknowledgements: 0,
    kills: options.kills,
    restarts: daemon.restarts,
    failed_starts: daemon.failedStarts,
    crashes: daemon.crashes,
    takeovers: 0,
    resumptions: 0,
    seconds_to_first_resumed_step_median: null,
    seconds_to_first_resumed_step_max: null,
    events: Number(status.events.tail_event_id_cursor),
    problems: {},
    seconds: rounded((performance.now() - began) / 1_000) ?? 0,
    mcp: {
      server_kills: servers.kills,
      calls: ends.size,
      repeated_calls: lines.length - new Set(lines.map(({ call }) => call)).size,
    },
    findings: findings.sentences,
  };
  isFine = isClean(report);
  return report;
}

/** Every tool of both servers, each call named. */
function callsOf(run: number): { id: string; name: string; input: { call: string } }[] {
  return ["near", "far"].flatMap((server) =>
    TOOLS.map((tool) => {
      const call = `r${run}-${server}-${tool}`;
      return { id: call, name: `mcp__${server}__${tool}`, input: { call } };
    }),
  );
}

async function submitAll(runs: number, sessions: readonly string[], admin: Operator): Promise<void> {
  const left = Array.from({ length: runs }, (_, index) => index);
  const work = async () => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const simulate = [...callsOf(run).map((call) => ({ tool_calls: [call] })), { text: "done" }];
      const path = `/v1/sessions/${sessions[run % sessions.length]}/runs`;
      const answer = await admin.ask("POST", path, { content: JSON.stringify({ simulate }) }, `r${run}`);
      if (answer.status !== 202) throw new Error(`r${run} is answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, work));
}

async function settled(admin: Operator, runs: number): Promise<boolean> {
  const deadline = performance.now() + SETTLE_WITHIN_MS;
  while (performance.now() < deadline) {
    const { body } = await admin.ask("GET", `/v1/runs?limit=${LIST_LIMIT}`);
    const views = body as RunView[];
    if (views.length === runs && views.every(({ status }) => isTerminal(status))) return true;
    await delay(POLL_MS);
  }
  return false;
}

interface Killing {
  daemon: SupervisedDaemon;
  servers: LedgerServers;
  dice: Awaited<ReturnType<typeof buildStage>>["dice"];
  isOver: () => boolean;
  say: Surroundings["say"];
}

/** SIGKILL at shares of the effects, for the daemon and each server in turn. */
async function killAll(
  { runs, kills }: ChaosOptions,
  { daemon, servers, dice, isOver, say }: Killing,
): Promise<void> {
  const effects = runs * callsOf(0).length;
  const shares = Array.from({ length: kills }, () => dice.unit() * LAST_KILL).sort((a, b) => a - b);
  for (const [index, share] of shares.entries()) {
    while ((await servers.lines()).length < share * effects && !isOver()) await delay(POLL_MS);
    await delay(dice.between(...AFTER_MS));
    const victim = (["daemon", "near", "far"] as const)[index % 3] ?? "daemon";
    if (victim === "daemon") await daemon.kill();
    else await servers.kill(victim);
    say(`kill ${index + 1} of ${kills}: ${victim}`);
    await daemon.ready();
  }
}

/** What each run was told of each call. */
async function endsOf(
  runs: number,
  sessions: readonly string[],
  admin: Operator,
): Promise<Map<string, CallEnd | undefined>> {
  const ends = new Map<string, CallEnd | undefined>();
  for (let run = 0; run < runs; run++) for (const { id } of callsOf(run)) ends.set(id, undefined);
  for (const session of sessions) {
    const { body } = await admin.ask("GET", `/v1/sessions/${session}/events`);
    for (const { event } of (body as SessionEventLog).session.journal) {
      if (event.type !== "tool_call_finished") continue;
      const { call_id, result } = event as unknown as { call_id: string; result: { output?: never } };
      ends.set(call_id, endOf(result.output));
    }
  }
  return ends;
}
