import { setTimeout as delay } from "node:timers/promises";
import type { StreamEvent } from "@kheish/contract";
import type { Frame } from "../../support/follow.ts";
import type { Dice } from "../dice.ts";
import type { Caller } from "./caller.ts";

type Behavior = "allow" | "deny";

/** Decisions that the daemon acknowledged, by run and request. */
export type Acknowledged = Map<string, Set<Behavior>>;

const DENIED_SHARE = 0.1;
const DISAGREE_SHARE = 0.15;
const KEYED_SHARE = 0.5;
const MOST_RACERS = 3;
const THINKS_MS: [number, number] = [0, 120];

/** The humans that runs wait for: a few of them answer the same thing at once, and do not always agree. */
export class People {
  readonly acknowledged: Acknowledged = new Map();
  readonly #caller: Caller;
  readonly #dice: Dice;
  readonly #asked = new Set<string>();
  readonly #busy = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  constructor(caller: Caller, dice: Dice) {
    this.#caller = caller;
    this.#dice = dice;
  }

  see(frame: Frame): void {
    const event = frame.data as StreamEvent;
    if (event.type !== "run_updated" || frame.id === undefined) return;
    const { run_id: runId, pending_approvals: approvals, pending_questions: questions } = event.run;
    for (const { id } of approvals ?? []) this.#race(runId, id, (racer) => this.#decide(runId, id, racer));
    for (const { id } of questions ?? []) this.#race(runId, id, (racer) => this.#answer(runId, id, racer));
  }

  /** Rejects with what went wrong for one of them. */
  async quiet(): Promise<void> {
    await Promise.all(this.#busy);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #race(runId: string, requestId: string, act: (racer: number) => Promise<void>): void {
    const name = `${runId} ${requestId}`;
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    const dice = this.#dice.for(name);
    const racers = dice.between(1, MOST_RACERS);
    for (let racer = 0; racer < racers; racer++) {
      const busy = delay(dice.between(...THINKS_MS))
        .then(() => act(racer))
        .catch((error: unknown) => void this.#failures.push(error))
        .finally(() => this.#busy.delete(busy));
      this.#busy.add(busy);
    }
  }

  async #decide(runId: string, requestId: string, racer: number): Promise<void> {
    const shared = this.#dice.for(`${runId} ${requestId} decision`);
    const own = this.#dice.for(`${runId} ${requestId} ${racer}`);
    const usual: Behavior = shared.chance(DENIED_SHARE) ? "deny" : "allow";
    const other: Behavior = usual === "allow" ? "deny" : "allow";
    const behavior = own.chance(DISAGREE_SHARE) ? other : usual;
    const { status } = await this.#caller.post(
      `/v1/runs/${runId}/approvals`,
      { resolutions: [{ request_id: requestId, behavior }] },
      own.chance(KEYED_SHARE) ? `decision-${racer}-${requestId}` : undefined,
    );
    if (status !== 202) return;
    const name = `${runId} ${requestId}`;
    this.acknowledged.set(name, (this.acknowledged.get(name) ?? new Set()).add(behavior));
  }

  async #answer(runId: string, requestId: string, racer: number): Promise<void> {
    const own = this.#dice.for(`${runId} ${requestId} ${racer}`);
    const answers = [
      { question_id: "question-1", selected_option_ids: [own.pick(["option-1", "option-2"])] },
    ];
    await this.#caller.post(`/v1/runs/${runId}/questions`, {
      resolution: { request_id: requestId, answers },
    });
  }
}
