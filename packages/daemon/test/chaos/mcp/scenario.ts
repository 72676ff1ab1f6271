import { writeFile } from "node:fs/promises";
import { isTerminal, type SessionEventLog } from "@kheish/contract";
import { besideOf, OperatedScene } from "../operated/scene.ts";
import type { ChaosOptions } from "../options.ts";
import type { Report } from "../report.ts";
import { buildStage, type Surroundings } from "../stage.ts";
import { LedgerServers } from "./servers.ts";
import { type CallEnd, checkCalls, endOf } from "./verify.ts";

const SESSIONS = 8;
const LAST_KILL = 0.9;
const TOOLS = ["look", "upsert", "note"];

/**
 * Runs call two MCP servers, one of the daemon's own and one that stands elsewhere, with tools of each effect class,
 * while daemon and servers are killed in turn. What happened is what the servers wrote down.
 */
export async function mcpScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const { runs, kills } = options;
  const stage = await buildStage(options, surroundings);
  const servers = await LedgerServers.start(besideOf(stage, "ledger"));
  surroundings.cleanup.defer(() => servers.stop());
  const config = besideOf(stage, "mcp.toml");
  await writeFile(config, servers.config);
  const scene = await OperatedScene.open(options, surroundings, stage, {
    flags: ["--mcp-config", config, "--permission-mode", "bypass-permissions"],
  });
  const { daemon, findings } = scene;

  const sessions = await scene.createSessions(SESSIONS);
  const load = scene.forEachRun((run) => {
    const simulate = [...callsOf(run).map((call) => ({ tool_calls: [call] })), { text: "done" }];
    return scene.submit(sessions[run % sessions.length] ?? "", `r${run}`, JSON.stringify({ simulate }));
  });
  const killing = scene.strike({
    count: kills,
    last: LAST_KILL,
    done: async () => (await servers.lines()).length / (runs * callsOf(0).length),
    // SIGKILL for the daemon and each server in turn.
    strike: async (index) => {
      const victim = (["daemon", "near", "far"] as const)[index % 3] ?? "daemon";
      if (victim === "daemon") await daemon.kill();
      else await servers.kill(victim);
      scene.say(`kill ${index + 1} of ${kills}: ${victim}`);
    },
  });
  await scene.play(load, killing);

  const ends = await endsOf(runs, sessions, scene);
  const lines = await servers.lines();
  checkCalls(ends, lines, findings);
  const views = await scene.runs();
  for (const { run_id, status, error } of views)
    if (status !== "completed") findings.add("lost", `${run_id} is ${status}: ${error ?? "it says not why"}`);
  return scene.report({
    settled: views.filter(({ status }) => isTerminal(status)).length,
    completed: views.filter(({ status }) => status === "completed").length,
    unknown_surfaced: [...ends.values()].filter((end) => end === "unknown").length,
    given_up: [...ends.values()].filter((end) => end === "refused").length,
    effects: lines.length,
    mcp: {
      server_kills: servers.kills,
      calls: ends.size,
      repeated_calls: lines.length - new Set(lines.map(({ call }) => call)).size,
    },
  });
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

/** What each run was told of each call. */
async function endsOf(
  runs: number,
  sessions: readonly string[],
  { admin }: OperatedScene,
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
