import type {
  ApprovalRequest,
  ApprovalResolution,
  Json,
  RunEventEntry,
  RunStatus,
  RunView,
  UserQuestionRequest,
} from "@kheish/contract";
import { table } from "../endpoints/table.ts";
import type { Api, CallOptions, Keyed } from "../endpoints/types.ts";
import { pathOf } from "../endpoints/url.ts";
import { KheishError, KheishProtocolError, KheishRunFailed } from "../errors.ts";
import type { Settings } from "../options.ts";
import { isTerminal, isWaiting } from "../run-status.ts";
import { EventStream } from "../stream/event-stream.ts";
import { within } from "../transport/deadline.ts";
import { type Answers, answersFor } from "./answers.ts";
import { type RunResult, resultOf } from "./run-result.ts";
import { cursorOf, type StreamOptions } from "./stream-options.ts";

/** What the resources share. */
export interface Connection {
  readonly api: Api;
  readonly settings: Settings;
}

export interface WaitOptions {
  /** In milliseconds, over restarts of the daemon and all; 0 = as long as it takes (default). The run goes on either way. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface RunStreamOptions extends StreamOptions {
  /** `"terminal"` (default) ends the stream with the run, `"never"` does not. */
  until?: "terminal" | "never" | undefined;
}

/** What can be said with an approval or a denial. */
export type Decision = CallOptions & Keyed;

/**
 * A run of the daemon, seen from outside. It lives there whether somebody watches or not; this is a handle, and
 * `view` what it last saw.
 */
export class Run {
  readonly #connection: Connection;
  #view: RunView;

  constructor(connection: Connection, view: RunView) {
    this.#connection = connection;
    this.#view = view;
  }

  get id(): string {
    return this.#view.run_id;
  }

  get session_id(): string {
    return this.#view.session_id;
  }

  /** As last seen; `refresh` looks again. */
  get view(): RunView {
    return this.#view;
  }

  get status(): RunStatus {
    return this.#view.status;
  }

  get requires_approval(): boolean {
    return this.status === "waiting_for_approval";
  }

  get requires_question(): boolean {
    return this.status === "waiting_for_user_question";
  }

  get pending_approvals(): ApprovalRequest[] {
    return this.#view.pending_approvals ?? [];
  }

  get pending_questions(): UserQuestionRequest[] {
    return this.#view.pending_questions ?? [];
  }

  async refresh(options: CallOptions = {}): Promise<RunView> {
    return this.#saw(await this.#connection.api.getRun({ ...this.#here, ...options }));
  }

  /** How the run moved so far. */
  events(options: CallOptions = {}): Promise<RunEventEntry[]> {
    return this.#connection.api.runEvents({ ...this.#here, ...options });
  }

  /** Everything that happens in the run, from its beginning to its end unless said otherwise. */
  stream(options: RunStreamOptions = {}): EventStream {
    return streamOfRun(this.#connection, this.id, options);
  }

  /**
   * Waits until the run is over, whoever has to approve or answer something meanwhile, and across restarts of the
   * daemon. With `raiseOnFailure` a run that did not complete throws `KheishRunFailed`.
   */
  async wait(options: WaitOptions & { raiseOnFailure?: boolean } = {}): Promise<RunResult> {
    const run = await this.#until(({ status }) => isTerminal(status), "end", options);
    if (options.raiseOnFailure === true && run.status !== "completed") throw new KheishRunFailed(run);
    return resultOf(run);
  }

  /** Waits until the run is over or needs a human; see `requires_approval` and `requires_question`. */
  async waitUntilBlocked(options: WaitOptions = {}): Promise<this> {
    await this.#until(({ status }) => isTerminal(status) || isWaiting(status), "end or block", options);
    return this;
  }

  /**
   * Allows what the run waits for as last seen, and nothing that was not seen. What it asks for afterwards is another
   * wave: wait until it is blocked again.
   */
  async approveAll(note?: string, options: Decision = {}): Promise<this> {
    await this.#lookWhereBlind(this.pending_approvals, options);
    const resolutions = this.pending_approvals.map(({ id }) => allow(id, { justification: note }));
    return this.#decide(resolutions, options);
  }

  /** Allows one tool call, with another input where one is given. */
  approve(requestId: string, options: { note?: string; input?: Json } & Decision = {}): Promise<this> {
    const { note, input, ...call } = options;
    return this.#decide([allow(requestId, { justification: note, updated_input: input })], call);
  }

  /** Refuses one tool call; the model is told the reason. */
  deny(requestId: string, options: { reason?: string } & Decision = {}): Promise<this> {
    const { reason, ...call } = options;
    const resolution = {
      request_id: requestId,
      behavior: "deny" as const,
      ...(reason !== undefined && { reason }),
    };
    return this.#decide([resolution], call);
  }

  /** Answers what the run asks; see `Answers`. */
  async answer(answers: Answers, options: CallOptions = {}): Promise<this> {
    await this.#lookWhereBlind(this.pending_questions, options);
    for (const { request_id, answers: given } of answersFor(this.pending_questions, answers)) {
      const body = { resolution: { request_id, answers: given } };
      this.#saw(await this.#connection.api.answerRunQuestion({ ...this.#here, body, ...options }));
    }
    return this;
  }

  /** Ends the run; does nothing to one that is over. */
  async cancel(options: CallOptions = {}): Promise<this> {
    this.#saw(await this.#connection.api.cancelRun({ ...this.#here, ...options }));
    return this;
  }

  async #decide(resolutions: ApprovalResolution[], options: Decision): Promise<this> {
    if (resolutions.length === 0) throw new KheishError("the run waits for no approval");
    const body = { resolutions };
    this.#saw(await this.#connection.api.resolveRunApprovals({ ...this.#here, body, ...options }));
    return this;
  }

  async #lookWhereBlind(seen: readonly unknown[], { signal }: CallOptions): Promise<void> {
    if (seen.length === 0) await this.refresh({ signal });
  }

  #until(
    isIt: (run: RunView) => boolean,
    verb: string,
    { timeoutMs, signal }: WaitOptions,
  ): Promise<RunView> {
    const { settings } = this.#connection;
    const late = `${this.id} did not ${verb} within ${timeoutMs} ms`;
    return within(settings.machine, { timeoutMs, signal, late }, async (bounded) => {
      const query = { snapshot: true, until: "terminal" };
      const stream = new EventStream({ settings, path: pathOfStream(this.id), query, signal: bounded });
      for await (const { data } of stream)
        if (data.type === "run_updated" && isIt(this.#saw(data.run))) return data.run;
      throw new KheishProtocolError(`the stream of ${this.id} ended before the run did`);
    });
  }

  #saw(view: RunView): RunView {
    this.#view = view;
    return view;
  }

  get #here(): { params: { run_id: string } } {
    return { params: { run_id: this.id } };
  }
}

/** The events of a run, from its beginning to its end unless said otherwise. */
export function streamOfRun(
  { settings }: Connection,
  runId: string,
  { cursor = "start", until = "terminal", ...options }: RunStreamOptions,
): EventStream {
  const query = { cursor: cursorOf(cursor), until: until === "terminal" ? until : undefined };
  return new EventStream({ settings, path: pathOfStream(runId), query, ...options });
}

function pathOfStream(run_id: string): string {
  return pathOf(table.runStream.path, { run_id });
}

function allow(
  request_id: string,
  said: { justification?: string | undefined; updated_input?: Json | undefined },
): ApprovalResolution {
  const { justification, updated_input } = said;
  return {
    request_id,
    behavior: "allow",
    ...(justification !== undefined && { justification }),
    ...(updated_input !== undefined && { updated_input }),
  };
}
