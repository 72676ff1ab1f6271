import type { JsonObject, RunView } from "@kheish/contract";
import { type RecordedEvent, recorded, sessionStream, type Tool } from "../../src/engine/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import type { OutsideWorld } from "../support/effects.ts";
import type { BootOptions, Rig, RiggedDaemon } from "../support/rig.ts";

export const SESSION = "sweep";

/** What a caller does to a daemon, and what must hold at the end wherever the daemon died. */
export interface Scenario {
  name: string;
  /** In the simulator's place, for each daemon. */
  models?: (rig: Rig) => NonNullable<BootOptions["models"]>;
  /** What `callback` hooks call. */
  callbacks?: (outside: OutsideWorld) => NonNullable<BootOptions["callbacks"]>;
  tools: (outside: OutsideWorld, incarnation: number) => readonly Tool[];
  /** Each is repeated as it is when its answer never came. */
  steps: readonly ((daemon: RiggedDaemon) => Promise<unknown>)[];
  check: (daemon: RiggedDaemon, outside: OutsideWorld) => Promise<void>;
}

export function createSession(daemon: RiggedDaemon) {
  return daemon.call("createSession", { body: { session_id: SESSION } });
}

/** Submits under an idempotency key. */
export function submitting(content: string, idempotencyKey: string) {
  const body = { content, input_items: [], attachments: [], binding_keys: [], reply_targets: [] };
  return (daemon: RiggedDaemon) =>
    daemon.call("submitRun", { params: { session_id: SESSION }, body, idempotencyKey });
}

/** Lets the daemon work, and answers whatever it asks, until nothing is left to do. */
export async function answerAll(daemon: RiggedDaemon): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await daemon.settle();
    const waiting = (await daemon.runs()).find((run) => run.pending_approvals ?? run.pending_questions);
    if (waiting === undefined) return;
    await answer(daemon, waiting);
  }
}

async function answer(daemon: RiggedDaemon, run: RunView): Promise<void> {
  const params = { run_id: run.run_id };
  const [question] = run.pending_questions ?? [];
  if (question !== undefined) {
    const answers = [{ question_id: "question-1", selected_option_ids: ["option-1"] }];
    const resolution = { request_id: question.id, answers, declined: false };
    await daemon.call("answerRunQuestion", { params, body: { resolution } });
    return;
  }
  // One at a time, so that a partial resolution is crashed into as well.
  const [approval] = run.pending_approvals ?? [];
  const resolutions = [{ request_id: approval?.id ?? "", behavior: "allow" }];
  await daemon.call("resolveRunApprovals", { params, body: { resolutions } });
}

export async function journalOf(store: Store): Promise<RecordedEvent[]> {
  return (await store.readStream(sessionStream(SESSION), {})).map(recorded);
}

/** What became of a call, by its tool and input. */
export function ledgerOf(
  events: readonly RecordedEvent[],
  tool: string,
  input: JsonObject,
): string | undefined {
  const call = events
    .flatMap((event) =>
      event.type === "message_appended" && event.data.message.role === "assistant"
        ? event.data.message.parts
        : [],
    )
    .find(
      (part) =>
        part.type === "tool_call" &&
        part.name === tool &&
        JSON.stringify(part.input) === JSON.stringify(input),
    );
  const id = call?.type === "tool_call" ? call.id : "";
  const finished = events.find((event) => event.type === "tool_call_finished" && event.data.call_id === id);
  return finished?.type === "tool_call_finished" ? finished.data.ledger : undefined;
}
