import type { ModelPort, ToolPort } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import type { RequestSample } from "./meter.ts";
import { observedModels, observedStore, observedTools, observeFlushes, type Stopwatch } from "./observe.ts";
import { type ReadingSources, takeReadings } from "./readings.ts";
import { createMetrics, type Metrics } from "./registry.ts";

/**
 * Measurements in the Prometheus format. Nothing is counted and no library is loaded before the first scrape: a daemon
 * that nobody scrapes pays nothing, and a counter means something only from one scrape to the next.
 */
export class MetricsService {
  readonly #now: Stopwatch;
  readonly #build: Record<string, string>;
  #loading: Promise<Metrics> | undefined;
  #metrics: Metrics | undefined;

  /** `now`: milliseconds of a clock that only goes forward. `build`: labels of `kheish_build_info`. */
  constructor(options: { now: Stopwatch; build: Record<string, string> }) {
    this.#now = options.now;
    this.#build = options.build;
  }

  store(store: Store): Store {
    return observedStore(store, this.#meter, this.#now);
  }

  models<T extends ModelPort>(models: T): T {
    return observedModels(models, this.#meter, this.#now);
  }

  tools(tools: ToolPort): ToolPort {
    return observedTools(tools, this.#meter, this.#now);
  }

  request(sample: RequestSample): void {
    this.#metrics?.meter.request(sample);
  }

  async scrape(sources: ReadingSources): Promise<{ text: string; contentType: string }> {
    this.#loading ??= createMetrics(this.#build);
    const metrics = await this.#loading;
    if (this.#metrics === undefined) {
      this.#metrics = metrics;
      observeFlushes(metrics.meter);
    }
    metrics.show(await takeReadings(sources));
    return { text: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
  }

  readonly #meter = () => this.#metrics?.meter;
}
