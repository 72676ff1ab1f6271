export type Attributes = Record<string, string | number | boolean | string[]>;

/** A finished span, apart from any library. */
export interface Span {
  traceId: string;
  spanId: string;
  /** Absent: the run's own. */
  parentSpanId?: string;
  name: string;
  kind: "internal" | "client";
  startMs: number;
  endMs: number;
  attributes: Attributes;
  /** What went wrong, as a class: never content. */
  errorType?: string;
  events: { name: string; atMs: number; attributes: Attributes }[];
}
