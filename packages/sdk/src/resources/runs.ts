import type { ApprovalRequest, PendingQuestionView, RunStatus, RunView } from "@kheish/contract";
import type { CallOptions } from "../endpoints/types.ts";
import type { EventStream } from "../stream/event-stream.ts";
import { Pages } from "./pages.ts";
import { type Connection, Run, type RunStreamOptions, streamOfRun } from "./run.ts";

export interface RunFilter extends CallOptions {
  session_id?: string | undefined;
  /** Any of these. */
  status?: readonly RunStatus[] | undefined;
  /** By submission; default `asc`. */
  order?: "asc" | "desc" | undefined;
}

export class Runs {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get(runId: string, options: CallOptions = {}): Promise<Run> {
    return new Run(
      this.#connection,
      await this.#connection.api.getRun({ params: { run_id: runId }, ...options }),
    );
  }

  list({ session_id, status, order, ...options }: RunFilter = {}): Pages<RunView> {
    const filter = { session_id, status: status?.join(","), order };
    return new Pages((page) => this.#connection.api.listRuns({ query: { ...filter, ...page }, ...options }));
  }

  /** The events of a run that nobody holds a handle of. */
  stream(runId: string, options: RunStreamOptions = {}): EventStream {
    return streamOfRun(this.#connection, runId, options);
  }
}

/** A tool call, or more of a budget, that a human has to allow. */
export interface PendingApproval {
  run: RunView;
  request: ApprovalRequest;
}

export interface SessionFilter extends CallOptions {
  session_id?: string | undefined;
}

export class Approvals {
  readonly #runs: Runs;

  constructor(runs: Runs) {
    this.#runs = runs;
  }

  /** All that wait, the oldest run first. */
  async *list(filter: SessionFilter = {}): AsyncGenerator<PendingApproval, void> {
    for await (const run of this.#runs.list({ ...filter, status: ["waiting_for_approval"] }))
      for (const request of run.pending_approvals ?? []) yield { run, request };
  }
}

export class Questions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** All that wait for an answer. */
  list({ session_id, ...options }: SessionFilter = {}): Pages<PendingQuestionView> {
    return new Pages((page) =>
      this.#connection.api.listQuestions({ query: { session_id, ...page }, ...options }),
    );
  }
}
