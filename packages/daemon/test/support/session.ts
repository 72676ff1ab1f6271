import type {
  ApprovalResolution,
  EndpointId,
  Json,
  JsonObject,
  RunView,
  SubmitInputRequest,
} from "@kheish/contract";
import {
  type RecordedEvent,
  recorded,
  type SessionEvents,
  type SessionEventType,
  sessionStream,
} from "../../src/engine/index.ts";
import type { RiggedDaemon } from "./rig.ts";
import { until } from "./wait.ts";

/** One session of a rigged daemon, as a client and as a reader of its journal. */
export class TestSession {
  readonly id: string;
  readonly #daemon: RiggedDaemon;

  constructor(daemon: RiggedDaemon, id = "s") {
    this.#daemon = daemon;
    this.id = id;
  }

  static async create(daemon: RiggedDaemon, id = "s"): Promise<TestSession> {
    await daemon.call("createSession", { body: { session_id: id } });
    return new TestSession(daemon, id);
  }

  another(id: string): Promise<TestSession> {
    return TestSession.create(this.#daemon, id);
  }

  call(endpoint: EndpointId, body?: object, query: Record<string, string> = {}) {
    return this.#daemon.call(endpoint, {
      params: { session_id: this.id },
      query,
      ...(body === undefined ? {} : { body }),
    });
  }

  async submit(content: string, more: Partial<SubmitInputRequest> = {}): Promise<RunView> {
    const body = { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [], ...more };
    return (await this.call("submitRun", body)).json as unknown as RunView;
  }

  /** Lets the simulator play these turns. */
  play(turns: readonly object[], more: Partial<SubmitInputRequest> = {}): Promise<RunView> {
    return this.submit(JSON.stringify({ simulate: turns }), more);
  }

  async run(runId: string): Promise<RunView> {
    return (await this.#daemon.call("getRun", { params: { run_id: runId } })).json as unknown as RunView;
  }

  /** The run at rest. */
  async settled(runId: string): Promise<RunView> {
    await this.#daemon.settle();
    return this.run(runId);
  }

  async reaches(runId: string, status: RunView["status"]): Promise<RunView> {
    await until(`run '${runId}' to be ${status}`, async () => (await this.run(runId)).status === status);
    return this.run(runId);
  }

  resolve(
    runId: string,
    ...resolutions: Pick<ApprovalResolution, "request_id" | "behavior" | "updated_input">[]
  ) {
    return this.#daemon.call("resolveRunApprovals", { params: { run_id: runId }, body: { resolutions } });
  }

  /** Answers the one question the run waits for by an option. */
  async answer(runId: string, optionId: string, more: JsonObject = {}) {
    const [question] = (await this.run(runId)).pending_questions ?? [];
    if (question === undefined) throw new Error(`run '${runId}' asks nothing`);
    const answers = [{ question_id: "question-1", selected_option_ids: [optionId], ...more }];
    const resolution = { request_id: question.id, answers, declined: false };
    return this.#daemon.call("answerRunQuestion", { params: { run_id: runId }, body: { resolution } });
  }

  async journal(): Promise<RecordedEvent[]> {
    return (await this.#daemon.store.readStream(sessionStream(this.id), {})).map(recorded);
  }

  /** What the journal says in events of one type. */
  async events<T extends SessionEventType>(type: T): Promise<SessionEvents[T][]> {
    const found = (await this.journal()).filter((event) => event.type === type);
    return found.map((event) => event.data as SessionEvents[T]);
  }

  /** Output of each finished call, in the order they finished. */
  async outputs(): Promise<Json[]> {
    return (await this.events("tool_call_finished")).map((finished) => finished.result.output);
  }
}
