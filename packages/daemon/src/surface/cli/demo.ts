import { randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isTerminal, type RunView, type StreamEvent } from "@kheish/contract";
import pc from "picocolors";
import { DaemonClient } from "./client/client.ts";
import type { CliContext, DemoFlags } from "./context.ts";
import { DaemonProcess } from "./demo/daemon-process.ts";
import { examine } from "./demo/evidence.ts";
import { type Human, humanAtTerminal, scriptedHuman } from "./demo/human.ts";
import { narrate } from "./demo/narrate.ts";
import { type DemoCopy, makePlace } from "./demo/workspace.ts";
import { CliError } from "./errors.ts";
import { streamEvent } from "./views/stream-line.ts";

const EXIT_ON_CTRL_C = 130;
const SESSION = "demo";
/** Which of the first tool calls the daemon is killed in. */
const FIRST_CALLS = 6;
const PROVIDER_KEYS = [
  "ANTHROPIC_API_KEY",
  "OPENAI_API_KEY",
  "GEMINI_API_KEY",
  "XAI_API_KEY",
  "OPENROUTER_API_KEY",
];
const REAL_TASK =
  "Look around this workspace with glob_search, grep_search and read_file. Ask me one question with ask_user_question about how detailed your report should be. Then write kheish-tour.md with write_file: what this project is, how it is laid out, and one thing worth improving. End with a short summary.";

/**
 * The main job, seen: an agent run that reads a workspace, asks, waits for a yes, is killed with SIGKILL in the
 * middle of a tool call, comes back by itself and finishes, with nothing lost and nothing done twice.
 */
export async function runDemo(flags: DemoFlags, context: CliContext): Promise<void> {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true && flags.yes !== true;
  const interrupted = Promise.withResolvers<"interrupted">();
  const human = interactive
    ? humanAtTerminal(say, () => interrupted.resolve("interrupted"))
    : scriptedHuman(say);
  const place = await makePlace();
  const demo = new Demo(place, human, context);
  const play = async () => {
    const real = interactive && flags.simulator !== true && (await wantsRealModel(human));
    await demo.play(real, flags.keep === true);
    return "finished" as const;
  };
  let end: "finished" | "interrupted" | "failed" = "failed";
  try {
    end = await Promise.race([play(), interrupted.promise]);
    if (end === "interrupted") await demo.stop();
  } finally {
    human.close();
    // What went wrong is in the state root and the log: a failed demo leaves them.
    if (end !== "failed" && flags.keep !== true) await rm(place.directory, { recursive: true, force: true });
    else say(`left for a look: ${place.directory}`);
  }
  if (end !== "interrupted") return;
  say(pc.dim("\nstopped, with its daemon"));
  context.host.exitNow(EXIT_ON_CTRL_C);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function wantsRealModel(human: Human): Promise<boolean> {
  const key = PROVIDER_KEYS.find((name) => (process.env[name] ?? "") !== "");
  if (key === undefined) return false;
  const answer = await human.answer({
    id: "model",
    header: "Model",
    question: `${key} is set. Which model shall play?`,
    multi_select: false,
    options: [
      { id: "simulator", label: "The simulator", description: "free, no network" },
      { id: "real", label: "The real model", description: "costs a few tokens" },
    ],
  });
  return answer.selected_option_ids.includes("real");
}

class Demo {
  readonly #place: DemoCopy;
  readonly #human: Human;
  readonly #context: CliContext;
  #starting: Promise<DaemonProcess> | undefined;
  /** The tool call whose start is the daemon's end. */
  #killAtCall = 1 + randomInt(FIRST_CALLS);
  #callsSeen = 0;
  #killed = false;
  readonly #answered = new Set<string>();

  constructor(place: DemoCopy, human: Human, context: CliContext) {
    this.#place = place;
    this.#human = human;
    this.#context = context;
  }

  /** Ends its daemon, also one that is only about to start. */
  async stop(): Promise<void> {
    await (await this.#starting?.catch(() => undefined))?.stop();
  }

  async play(real: boolean, keep: boolean): Promise<void> {
    say(pc.bold("Kheish demo: a durable run, end to end"));
    this.#starting = DaemonProcess.start(this.#place, this.#context.clock);
    const daemon = await this.#starting;
    try {
      const client = new DaemonClient({ baseUrl: daemon.baseUrl, clock: this.#context.clock });
      say(pc.dim(`daemon ${daemon.pid} at ${daemon.baseUrl}, workspace: a copy of ${this.#place.origin}`));
      say(pc.dim(`watch it in the console: ${daemon.baseUrl}/\n`));
      await client.call("createSession", { body: { session_id: SESSION } });
      const { run_id } = await client.call("submitRun", {
        params: { session_id: SESSION },
        body: real ? { content: REAL_TASK } : { content: '{"simulate":"tour"}', provider: "simulator" },
      });
      const run = await this.#follow(daemon, client, run_id);
      await this.#report(daemon, client, run, keep);
    } finally {
      await daemon.stop();
    }
  }

  /** Watches the run to its end, across the daemon's death; answers what it waits for. */
  async #follow(daemon: DaemonProcess, client: DaemonClient, runId: string): Promise<RunView> {
    const items = client.stream(
      "runStream",
      { params: { run_id: runId }, query: { cursor: "0", until: "terminal" } },
      { isLast: (frame) => endOf(streamEvent(frame)), timing: { firstDelayMs: 50, longestDelayMs: 200 } },
    );
    for await (const item of items) {
      if (item.kind === "reconnected") say(pc.magenta("  ↻  the stream goes on where it stopped"));
      if (item.kind !== "frame") continue;
      const event = streamEvent(item.frame);
      if (event === undefined) continue;
      const line = narrate(event, pc);
      if (line !== undefined) say(line);
      if (this.#mustKill(event)) await this.#killAndRestart(daemon, client);
      else if (event.type === "run_updated") await this.#answer(client, runId);
    }
    return client.call("getRun", { params: { run_id: runId } });
  }

  #mustKill(event: StreamEvent): boolean {
    if (event.type !== "trace" || event.trace.kind !== "tool_call_started") return false;
    this.#callsSeen += 1;
    return !this.#killed && this.#callsSeen >= this.#killAtCall;
  }

  /** A kill that came after the tool had already ended does not count: the next call is the next chance. */
  async #killAndRestart(daemon: DaemonProcess, client: DaemonClient): Promise<void> {
    const pid = daemon.pid;
    await daemon.kill();
    say(pc.red(pc.bold(`  ☠  kill -9 ${pid}, in the middle of the work`)));
    await daemon.restart();
    say(pc.magenta(`  ↻  daemon ${daemon.pid} is up and goes on by itself`));
    const log = await client.call("sessionEvents", { params: { session_id: SESSION } });
    const { inFlight } = examine(log);
    this.#killed = inFlight.length > 0;
    if (this.#killed) say(pc.dim(`     in flight when it died: ${inFlight.join(", ")}`));
  }

  async #answer(client: DaemonClient, runId: string): Promise<void> {
    const run = await client.call("getRun", { params: { run_id: runId } });
    const params = { run_id: runId };
    for (const request of run.pending_approvals ?? []) {
      if (this.#answered.has(request.id)) continue;
      this.#answered.add(request.id);
      const behavior = (await this.#human.approve(request)) ? "allow" : "deny";
      await client.call("resolveRunApprovals", {
        params,
        body: { resolutions: [{ request_id: request.id, behavior }] },
      });
    }
    for (const request of run.pending_questions ?? []) {
      if (this.#answered.has(request.id)) continue;
      this.#answered.add(request.id);
      const answers = [];
      for (const question of request.questions) answers.push(await this.#human.answer(question));
      await client.call("answerRunQuestion", {
        params,
        body: { resolution: { request_id: request.id, answers } },
      });
    }
  }

  async #report(daemon: DaemonProcess, client: DaemonClient, run: RunView, keep: boolean): Promise<void> {
    const log = await client.call("sessionEvents", { params: { session_id: SESSION } });
    const evidence = examine(log);
    const restarts = daemon.restarts;
    const calls = run.usage?.tool_calls ?? 0;
    say(`\n${pc.bold("The agent's report")}\n${run.outputs?.at(-1)?.content ?? "(none)"}\n`);
    say(pc.bold("Timeline"));
    const start = run.submitted_at_ms;
    for (const { timestamp_ms, event } of log.run_events) {
      say(
        `  ${String(timestamp_ms - start).padStart(6)} ms  ${event.type === "resumed" ? pc.magenta(event.type) : event.type}`,
      );
    }
    const written = join(this.#place.workspace, "kheish-tour.md");
    say(
      pc.dim(
        `\n  ${keep ? `the written file: ${written}` : "--keep leaves the workspace, with the report as kheish-tour.md"}`,
      ),
    );
    if (run.status !== "completed") throw new CliError(`the run ended ${run.status}: ${run.error ?? ""}`);
    if (!evidence.offsetsAscend) throw new CliError("the journal is out of order");
    if (evidence.inFlight.length === 0)
      throw new CliError("no tool call was in flight at any kill; run the demo again");
    if (evidence.repeated > 0) throw new CliError(`${evidence.repeated} effects were repeated`);
    say(`demo: ok run=${run.run_id} restarts=${restarts} tool_calls=${calls} repeated=${evidence.repeated}`);
  }
}

function endOf(event: StreamEvent | undefined): boolean {
  return event?.type === "run_updated" && isTerminal(event.run.status);
}
