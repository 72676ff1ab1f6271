import type { EndpointId, StreamEvent } from "@kheish/contract";
import { isTerminal } from "@kheish/contract";
import { BUDGET_STREAM, RULE_STREAM, runOf, sessionStream } from "../../../src/engine/index.ts";
import type { SseFrame } from "../../../src/features/binding.ts";
import { TOKENS_STREAM } from "../../../src/features/tokens/records.ts";
import { AUTH_STREAM } from "../../../src/governance/secrets/index.ts";
import type { StoredEvent } from "../../../src/kernel/store.ts";
import type { Facts } from "../invariants/facts.ts";
import type { WatcherPlan } from "../plan/plan.ts";
import { Disconnected } from "../world/network.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";

const RETRY_MS = 300;

/** A consumer of one stream, who loses its connection and comes back with the last id it saw. */
export class Watcher {
  readonly #client: Client;
  readonly #plan: WatcherPlan;
  readonly #facts: Facts;
  /** Positions of the frames that were delivered. */
  readonly #seen: number[] = [];
  #runId: string | undefined;
  /** The stream said itself that the run is over. */
  #ended = false;
  #over = false;
  #leave: () => void = () => undefined;

  constructor(world: World, facts: Facts, plan: WatcherPlan, index: number) {
    this.#client = new Client(world, `watcher ${index}`);
    this.#plan = plan;
    this.#facts = facts;
  }

  stop(): void {
    this.#over = true;
    this.#leave();
  }

  async run(): Promise<void> {
    await this.#client.sleep(this.#plan.atMs);
    if (!(await this.#findScope())) return;
    for (const drop of [...this.#plan.dropsAfter, Number.POSITIVE_INFINITY]) {
      let left = drop;
      while (left > 0 && !this.#over && !this.#ended) {
        const read = await this.#connect(left);
        left = drop === Number.POSITIVE_INFINITY ? drop : left - read;
        if (!this.#ended) await this.#client.sleep(RETRY_MS);
      }
      this.#client.world.mark("stream dropped by its consumer");
    }
  }

  /** A run's stream can be opened once somebody knows its id; a session's once there is one. */
  async #findScope(): Promise<boolean> {
    const { scope } = this.#plan;
    if (scope.kind === "global") return true;
    for (let patience = 0; patience < 20 && !this.#over; patience++) {
      if (scope.kind === "session" && this.#facts.streams.has(sessionStream(scope.session))) return true;
      if (scope.kind === "run") [this.#runId] = this.#facts.acknowledged.get(scope.submission) ?? [];
      if (this.#runId !== undefined) return true;
      await this.#client.sleep(500);
    }
    return false;
  }

  /** Reads until so many frames have come, the daemon is gone, or the stream ends. Answers how many there were. */
  async #connect(most: number): Promise<number> {
    const { world } = this.#client;
    const process = world.network.reachable();
    if (process === undefined) return 0;
    const gone = new AbortController();
    const lost = this.#lost(process);
    let read = 0;
    try {
      const frames = await Promise.race([this.#open(process, gone.signal), lost]);
      world.mark(this.#seen.length === 0 ? "stream opened" : "stream resumed");
      world.tell(this.#client.name, () => `follows ${process.name} from ${this.#seen.at(-1) ?? 0}`);
      while (read < most && !this.#over) {
        const next = await Promise.race([frames.next(), lost]);
        if (next.done) return read;
        read += 1;
        this.#take(next.value);
        if (this.#plan.readMs > 0) await this.#client.sleep(this.#plan.readMs);
        if (this.#ended) return read;
      }
    } catch (error) {
      if (!(error instanceof Disconnected)) world.mark("stream refused");
      world.tell(this.#client.name, () => `lost ${process.name} at ${this.#seen.at(-1) ?? 0}: ${error}`);
    } finally {
      gone.abort();
    }
    return read;
  }

  #open(process: SimulatedProcess, signal: AbortSignal) {
    const { scope } = this.#plan;
    const last = this.#seen.at(-1);
    const endpoint: EndpointId =
      scope.kind === "global" ? "eventsStream" : scope.kind === "session" ? "sessionStream" : "runStream";
    return this.#client.world.network.stream(process, endpoint, {
      params: scope.kind === "session" ? { session_id: scope.session } : { run_id: this.#runId ?? "" },
      query: {
        ...(last === undefined ? { cursor: "0" } : {}),
        ...(scope.kind === "run" ? { until: "terminal" } : {}),
      },
      ...(last === undefined ? {} : { lastEventId: String(last) }),
      signal,
    });
  }

  /** Rejects when the daemon dies or nobody wants to watch any more. */
  #lost(process: SimulatedProcess): Promise<never> {
    const lost = new Promise<never>((_resolve, reject) => {
      this.#leave = () => reject(new Disconnected("stream"));
      process.onDeath(this.#leave);
    });
    lost.catch(() => undefined);
    return lost;
  }

  #take(frame: SseFrame): void {
    if (frame.id === undefined) return;
    this.#seen.push(Number(frame.id));
    const data = frame.data as StreamEvent;
    if (this.#plan.scope.kind === "run" && data.type === "run_updated" && isTerminal(data.run.status)) {
      this.#ended = true;
    }
  }

  /** What was delivered against what the journal holds; undefined when it is the same. */
  difference(journal: readonly StoredEvent[]): string | undefined {
    if (this.#seen.length === 0 && !this.#ended) return undefined;
    const wanted = journal.filter((event) => this.#wants(event)).map(({ position }) => position);
    const until =
      this.#ended || this.#plan.scope.kind !== "run" ? wanted : wanted.slice(0, this.#seen.length);
    if (JSON.stringify(this.#seen) === JSON.stringify(until)) return undefined;
    const at = this.#seen.findIndex((position, index) => position !== until[index]);
    return `${this.#client.name} (${JSON.stringify(this.#plan.scope)}) saw ${this.#seen.length} of ${until.length} events; at ${at}: ${this.#seen[at]} for ${until[at]}`;
  }

  #wants(event: StoredEvent): boolean {
    const { scope } = this.#plan;
    // What is done to budgets and to the daemon's rules has no frame.
    if (event.stream === BUDGET_STREAM || event.stream === RULE_STREAM) return false;
    if (scope.kind === "session") return event.stream === sessionStream(scope.session);
    // Changes of the auth store and of tokens are for daemons, not for whoever watches.
    if (event.stream === AUTH_STREAM || event.stream === TOKENS_STREAM) return false;
    // The audit is read by other means than streams.
    if (event.stream.startsWith("audit")) return false;
    return scope.kind === "global" || runOf(event) === this.#runId;
  }
}
