import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { Span } from "./span.ts";

/** Where spans go. */
export interface SpanExport {
  /** Rejects when they did not arrive; whatever is worth a second try has been tried again by then. */
  export(spans: readonly Span[]): Promise<void>;
  close(): Promise<void>;
}

/** `--otel` without its libraries, which are installed beside Kheish by whoever wants traces. */
export class TracingUnavailable extends Error {
  constructor(cause: unknown) {
    super(
      "traces need two more packages: npm install @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources",
      { cause },
    );
    this.name = "TracingUnavailable";
  }
}

const KINDS = { internal: 0, client: 2 } as const;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;
const SAMPLED = 1;
const SCOPE = "kheish";

/** OTLP over HTTP by OpenTelemetry's own exporter, which reads the standard OTEL_* variables. */
export async function otlpExport(identity: { version: string; instanceId: string }): Promise<SpanExport> {
  const { OTLPTraceExporter, detectResources, envDetector, resourceFromAttributes } = await libraries();
  const resource = resourceFromAttributes({
    "service.name": "kheish",
    "service.version": identity.version,
    "service.instance.id": identity.instanceId,
  }).merge(detectResources({ detectors: [envDetector] }));
  const exporter = new OTLPTraceExporter();
  const readable = (span: Span): ReadableSpan => {
    const { traceId, spanId, parentSpanId, errorType, startMs, endMs } = span;
    const attributes =
      errorType === undefined ? span.attributes : { ...span.attributes, "error.type": errorType };
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => ({ traceId, spanId, traceFlags: SAMPLED }),
      ...(parentSpanId === undefined
        ? {}
        : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: SAMPLED } }),
      startTime: time(startMs),
      endTime: time(endMs),
      duration: time(endMs - startMs),
      status: errorType === undefined ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: errorType },
      attributes,
      links: [],
      events: span.events.map(({ name, atMs, attributes: about }) => ({
        name,
        time: time(atMs),
        attributes: about,
      })),
      ended: true,
      resource,
      instrumentationScope: { name: SCOPE, version: identity.version },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  };
  return {
    export: (spans) =>
      new Promise((resolve, reject) =>
        exporter.export(spans.map(readable), ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error("the exporter gave no reason")),
        ),
      ),
    close: () => exporter.shutdown(),
  };
}

async function libraries() {
  try {
    const [exporter, resources] = await Promise.all([
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
    ]);
    return { ...exporter, ...resources };
  } catch (error) {
    throw new TracingUnavailable(error);
  }
}

/** Seconds and nanoseconds. */
function time(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
