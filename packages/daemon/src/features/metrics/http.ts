import { type Binding, bind } from "../binding.ts";
import type { ReadingSources } from "./readings.ts";
import type { MetricsService } from "./service.ts";

/** 02-A4: the read-only token suffices, and is needed when auth is on. */
export function metricsBindings(metrics: MetricsService, sources: ReadingSources): Binding[] {
  return [bind("metrics", async () => ({ status: 200, ...(await metrics.scrape(sources)) }))];
}
