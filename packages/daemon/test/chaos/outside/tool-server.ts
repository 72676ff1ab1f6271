import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Dice } from "../dice.ts";

/** What a tool asks of the outside world. */
export interface Demand {
  tool: string;
  /** What the script calls this call; the world knows nothing else about it. */
  label: string;
  key: string;
  /** Which process of the daemon asks, counted from 1. */
  incarnation: number;
  /** Answered only once the world lets go. */
  hold: boolean;
  /** Asked twice with one key, it is done once. */
  once_per_key: boolean;
}

/** What was really done; `serial` counts from 1. */
export interface Effect extends Demand {
  serial: number;
  at: number;
}

const LATE_SHARE = 0.02;
const LATE_MS: [number, number] = [400, 1_200];
const USUAL_MS: [number, number] = [0, 60];

/**
 * The world outside the daemon: it does what it is asked, writes that into its own ledger, and answers late,
 * or never, because the acknowledgement gets lost.
 */
export class ToolServer {
  readonly effects: Effect[] = [];
  /** Everything that arrived, done or not. */
  readonly demands: Demand[] = [];
  lostAcknowledgements = 0;
  /** Key -> the first incarnation that may still act with it: whoever read it back was told that it did nothing. */
  readonly #fences = new Map<string, number>();
  readonly #held: (() => void)[] = [];
  #holding = true;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting = new Set<() => void>();
  readonly #dice: Dice;
  readonly #loseShare: number;
  readonly #server: Server;

  private constructor(dice: Dice, loseShare: number) {
    this.#dice = dice;
    this.#loseShare = loseShare;
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(dice: Dice, loseShare: number): Promise<ToolServer> {
    const world = new ToolServer(dice, loseShare);
    await new Promise<void>((resolve) => world.#server.listen(0, "127.0.0.1", resolve));
    return world;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the tool server does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves once so many calls are held. */
  async holds(count: number): Promise<void> {
    while (this.#held.length < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** From now on nothing is held any more. */
  letGo(): void {
    this.#holding = false;
    for (const answer of this.#held.splice(0)) answer();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const demand = JSON.parse(await text(request)) as Demand;
      if (request.url === "/read-back") this.#answer(response, this.#readBack(demand));
      else this.#do(demand, response);
    } catch {
      // The daemon died in the middle of its sentence: nothing was asked.
      request.destroy();
    }
  }

  #do(demand: Demand, response: ServerResponse): void {
    this.demands.push(demand);
    if (demand.incarnation < (this.#fences.get(demand.key) ?? 0)) {
      this.#answer(response, { refused: true });
      return;
    }
    const effect = this.#effectOf(demand);
    const answer = () => this.#answer(response, { label: effect.label, serial: effect.serial });
    if (!demand.hold || !this.#holding) {
      answer();
      return;
    }
    this.#held.push(answer);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #effectOf(demand: Demand): Effect {
    const known = demand.once_per_key ? this.#appliedWith(demand.key) : undefined;
    if (known !== undefined) return known;
    const effect = { ...demand, serial: this.effects.length + 1, at: Date.now() };
    this.effects.push(effect);
    return effect;
  }

  /**
   * Says what was done with a key. Once it has said "nothing", that stays true: a request of an earlier process
   * that is still on its way comes too late.
   */
  #readBack({ key, incarnation }: Demand): object {
    const effect = this.#appliedWith(key);
    if (effect !== undefined) return { applied: true, label: effect.label, serial: effect.serial };
    this.#fences.set(key, incarnation);
    return { applied: false };
  }

  #appliedWith(key: string): Effect | undefined {
    return this.effects.find((effect) => effect.key === key);
  }

  #answer(response: ServerResponse, body: object): void {
    if (this.#dice.chance(this.#loseShare)) {
      this.lostAcknowledgements += 1;
      response.destroy();
      return;
    }
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        response.end(JSON.stringify(body));
      },
      this.#dice.between(...(this.#dice.chance(LATE_SHARE) ? LATE_MS : USUAL_MS)),
    );
    this.#timers.add(timer);
  }
}
