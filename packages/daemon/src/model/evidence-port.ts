import type { ModelRequest } from "../engine/ports.ts";

/** What is kept of one attempt, in the order in which it comes about. */
export type EvidenceKind = "model-request" | "provider-request" | "provider-events" | "model-response";

export type EvidenceContent =
  | { format: "json"; value: unknown }
  /** `missing`: bytes that came after the text and were not kept. */
  | { format: "text"; text: string; missing: number };

/** Neither of them ever rejects: evidence that cannot be kept must not cost the run. */
export interface AttemptEvidence {
  /** Of a text no more is wanted than this. */
  readonly mostBytes: number;
  keep(kind: EvidenceKind, content: EvidenceContent): Promise<void>;
}

export interface CallEvidence {
  /** Counts the attempts of one call from 1. */
  attempt(attempt: number): AttemptEvidence;
}

/** Where debug evidence goes. */
export interface EvidencePort {
  /** Undefined when nothing is to be kept of this run. */
  open(request: ModelRequest): Promise<CallEvidence | undefined>;
}
