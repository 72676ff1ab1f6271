/** A run as one OpenTelemetry trace, made of its journal. */
export { otlpExport, type SpanExport, TracingUnavailable } from "./exporter.ts";
export { spanIdOf, traceIdOf } from "./ids.ts";
export { RunTrace } from "./run-trace.ts";
export { Tracing, tracedStore } from "./service.ts";
export { tracingWanted } from "./settings.ts";
export type { Span } from "./span.ts";
