import { read, recorded, runOf, sessionOfStream, sessionStream } from "../../engine/index.ts";
import { type Clock, sleep } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { overriding } from "../../kernel/overriding.ts";
import type { Op, Store } from "../../kernel/store.ts";
import type { SpanExport } from "./exporter.ts";
import { RunTrace } from "./run-trace.ts";
import type { Span } from "./span.ts";

const ENDINGS = new Set(["completed", "failed", "interrupted", "cancelled"]);
const PAGE = 500;
/** Runs that wait for a collector that does not answer; more than that are not traced. */
const MOST_WAITING = 1_000;

/**
 * Exports each run that ends by a commit of this process, read back from its journal: no run is exported by two
 * daemons, and none carries anything in memory while it works. Traces are for looking, so they never hold up a run:
 * what a collector does not take, and what ends as the process dies, is not exported.
 */
export class Tracing {
  readonly #options: { store: Store; exporter: SpanExport; log: Log; clock: Clock };
  #waiting: string[] = [];
  #working: Promise<void> | undefined;
  #dropped = 0;
  #isFailing = false;

  constructor(options: { store: Store; exporter: SpanExport; log: Log; clock: Clock }) {
    this.#options = options;
  }

  /** Looks for ended runs in a commit that landed. */
  landed(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.op !== "append" || sessionOfStream(op.stream) === undefined) continue;
      for (const event of op.events) {
        const runId = runOf(event);
        if (runId !== undefined && ENDINGS.has(event.type)) this.#enqueue(runId);
      }
    }
  }

  /** Exports what is waiting, for as long as `deadlineMs` allow. */
  async close(deadlineMs: number): Promise<void> {
    const { clock, exporter } = this.#options;
    await Promise.race([this.#working, sleep(clock, deadlineMs)]);
    this.#waiting = [];
    await Promise.race([exporter.close().catch(() => undefined), sleep(clock, deadlineMs)]);
  }

  #enqueue(runId: string): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(runId);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let runId = this.#waiting.shift(); runId !== undefined; runId = this.#waiting.shift()) {
      try {
        await this.#export(runId);
        this.#isFailing = false;
      } catch (error) {
        this.#say(runId, error);
      }
    }
  }

  async #export(runId: string): Promise<void> {
    const { store, exporter } = this.#options;
    const run = await read(store, "run", runId);
    if (run === undefined) return;
    const { data } = run;
    const trace = new RunTrace(data);
    const stream = sessionStream(data.session_id);
    const range = { toSeq: data.finished_seq ?? Number.MAX_SAFE_INTEGER, limit: PAGE };
    for (let afterSeq = data.accepted_seq - 1; ; ) {
      const page = await store.readStream(stream, { ...range, afterSeq });
      const last = page.at(-1);
      if (last === undefined) break;
      afterSeq = last.seq;
      const own = page.filter((event) => runOf(event) === runId).map(recorded);
      const spans: Span[] = own.flatMap((event) => trace.add(event));
      if (spans.length > 0) await exporter.export(spans);
    }
    await exporter.export(trace.end());
  }

  /** Once per outage: a collector that is down must not fill the log. An error's words may hold its address. */
  #say(runId: string, error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const name = error instanceof Error ? error.name : "unknown";
    this.#options.log.warn(
      { run_id: runId, err: name, dropped: this.#dropped },
      "traces are not being taken",
    );
  }
}

/** A store that shows what landed to whoever traces. */
export function tracedStore(store: Store, tracing: Tracing): Store {
  return overriding<Store>(store, {
    async commit(ops, options) {
      const result = await store.commit(ops, options);
      if (result.ok) tracing.landed(ops);
      return result;
    },
  });
}
