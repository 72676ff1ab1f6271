/** Measurements of a daemon for Prometheus. */
export { metricsBindings } from "./http.ts";
export { MetricsService } from "./service.ts";
