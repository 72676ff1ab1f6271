import {
  type EndpointId,
  isTerminal,
  type RunEvent,
  type RunStatus,
  type RunView,
  type SessionStatus,
  type SubmitInputRequest,
} from "@kheish/contract";
import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import type { z } from "zod";
import { ServedDaemon, type ServedOptions } from "../../support/served.ts";
import { type Call, Client, type LooseCall } from "./client.ts";
import { at, of } from "./params.ts";
import { FIRST_QUESTION } from "./script.ts";
import { EventStream, type Frame, runIn } from "./stream.ts";

/** Opens a new, empty store: `sqlite`, or the URL of a PostgreSQL database. */
export type OpenStore = () => Promise<string>;

/** Two routes that answer, and one that cannot for want of a key. */
export const ROUTES = `
default_route = "simulator"
[routes.simulator]
driver = "simulator"
[routes.second]
driver = "simulator"
[routes.keyless]
driver = "openai"
default_model = "gpt-5"
api_key_env = "KEY_THAT_IS_NOT_SET"
`;

/** One daemon for the tests of a group. They share it and keep apart by the sessions they make. */
export function useDaemon(openStore: OpenStore, options: Omit<ServedOptions, "store"> = {}): Fixture {
  let daemon: ServedDaemon | undefined;
  beforeAll(async () => {
    daemon = await ServedDaemon.start({ ...options, store: await openStore() });
  });
  afterAll(() => daemon?.remove());
  return new Fixture(() => {
    if (daemon === undefined) throw new Error("the daemon has not been started");
    return daemon;
  });
}

/** What tests do with a daemon again and again, through its public surface. */
export class Fixture {
  readonly api: Client;
  readonly #daemon: () => ServedDaemon;
  #sessions = 0;

  constructor(daemon: () => ServedDaemon) {
    this.#daemon = daemon;
    this.api = new Client(() => daemon().baseUrl);
  }

  get daemon(): ServedDaemon {
    return this.#daemon();
  }

  /** A new session; answers its id. */
  async session(body: Call<"createSession">["body"] = {}): Promise<string> {
    this.#sessions += 1;
    const created = await this.api.call("createSession", {
      body: { session_id: `s-${this.#sessions}`, ...body },
    });
    return created.session_id;
  }

  /** A detached submission. */
  submit(sessionId: string, content: string, more: Partial<SubmitBody> = {}): Promise<RunView> {
    return this.api.call("submitRun", { ...at(sessionId), body: { content, ...more } });
  }

  /** A new session with a run of its own, as it was accepted. */
  async begin(content: string, more: Partial<SubmitBody> = {}): Promise<RunView> {
    return this.submit(await this.session(), content, more);
  }

  /** A new session whose run has come to wait for a human. */
  async beginWaiting(content: string): Promise<RunView> {
    const { run_id } = await this.begin(content);
    return this.reaches(run_id, "waiting_for_approval", "waiting_for_user_question");
  }

  /** A submission and its end. */
  async finish(sessionId: string, content: string, more: Partial<SubmitBody> = {}): Promise<RunView> {
    return this.settles((await this.submit(sessionId, content, more)).run_id);
  }

  run(runId: string): Promise<RunView> {
    return this.api.call("getRun", of(runId));
  }

  /** The run when it first has one of these statuses, as its stream shows it. */
  async reaches(runId: string, ...statuses: RunStatus[]): Promise<RunView> {
    const call = { ...of(runId), query: { snapshot: "true" } };
    const stream = await EventStream.open(this.api.url("runStream", call));
    try {
      const frame = await stream.until(
        ({ data }) => data.type === "run_updated" && isDue(data.run, statuses),
      );
      const run = runIn(frame);
      if (run !== undefined && statuses.includes(run.status)) return await this.run(runId);
      throw new Error(
        `run '${runId}' ended as ${run?.status} (${run?.error}), not as ${statuses.join(" or ")}`,
      );
    } finally {
      stream.close();
    }
  }

  settles(runId: string): Promise<RunView> {
    return this.reaches(runId, "completed", "failed", "interrupted", "cancelled");
  }

  cancel(runId: string): Promise<RunView> {
    return this.api.call("cancelRun", of(runId));
  }

  /** Declines the question of the run's first turn. */
  decline(runId: string): Promise<RunView> {
    const resolution = { request_id: FIRST_QUESTION, declined: true };
    return this.api.call("answerRunQuestion", { ...of(runId), body: { resolution } });
  }

  /** Ends what a session does and what it has queued. */
  async quiet(sessionId: string): Promise<void> {
    await this.api.call("interruptSession", { ...at(sessionId), query: { clear_queue: "true" } });
  }

  /** Waits for the session itself to be in a state. */
  async sessionReaches(sessionId: string, status: SessionStatus): Promise<void> {
    const stream = await this.stream("sessionStream", {
      ...at(sessionId),
      query: { snapshot: "true" },
    });
    await stream.until(({ data }) => {
      if (data.type === "session_snapshot") return data.snapshot.agent.status === status;
      return data.type === "session_state_changed" && data.status === status;
    });
    stream.close();
  }

  /** Closed with the test at the latest. */
  async stream(endpoint: EndpointId, call: LooseCall = {}): Promise<EventStream> {
    const stream = await EventStream.open(this.api.url(endpoint, call), call.headers);
    onTestFinished(() => stream.close());
    return stream;
  }

  /** All frames of a run that is over. */
  async historyOf(runId: string): Promise<Frame[]> {
    const stream = await this.stream("runStream", {
      ...of(runId),
      query: { cursor: "0", until: "terminal" },
    });
    return stream.rest();
  }

  /** Fails when the stream says something, or ends, while other work is begun and done. Closes it. */
  async staysQuiet(stream: EventStream): Promise<void> {
    const said = stream.next().then((frame) => frame ?? "the end");
    const elsewhere = this.session().then((sessionId) => this.finish(sessionId, "hello"));
    expect(await Promise.race([said, elsewhere.then(() => "nothing")])).toBe("nothing");
    stream.close();
    await said.catch(() => undefined);
  }

  async runsOf(sessionId: string): Promise<RunView[]> {
    const runs = await this.api.call("listRuns", { query: { session_id: sessionId } });
    return Array.isArray(runs) ? runs : runs.items;
  }

  /** How the run moved. */
  async movesOf(runId: string): Promise<string[]> {
    const entries = await this.api.call("runEvents", of(runId));
    return entries.map(({ event }) => event.type);
  }

  /** The runs of a session to which this happened, in the order in which it did. */
  async runsThat(happened: RunEvent["type"], sessionId: string): Promise<string[]> {
    const log = await this.api.call("sessionEvents", at(sessionId));
    return log.run_events.flatMap(({ run_id, event }) => (event.type === happened ? [run_id] : []));
  }

  /** What a session's journal holds, in order. */
  async journalOf(sessionId: string): Promise<{ type: string; [member: string]: unknown }[]> {
    const log = await this.api.call("sessionEvents", at(sessionId));
    return log.session.journal.map(({ event }) => event);
  }

  /** Fails when the action leaves a trace in the session: view, runs or journal. */
  async leavesAlone<T>(sessionId: string, action: () => Promise<T>): Promise<T> {
    const look = async () => ({
      session: await this.api.call("getSession", at(sessionId)),
      runs: await this.runsOf(sessionId),
      log: await this.api.call("sessionEvents", at(sessionId)),
    });
    const before = await look();
    const result = await action();
    expect(await look()).toEqual(before);
    return result;
  }
}

type SubmitBody = z.input<typeof SubmitInputRequest>;

/** A run that is over will reach nothing any more. */
function isDue({ status }: RunView, statuses: readonly RunStatus[]): boolean {
  return statuses.includes(status) || isTerminal(status);
}
