import type { AssistantMessage } from "../engine/messages.ts";
import type { ModelCallOptions, ModelRequest, WebSource } from "../engine/ports.ts";
import type { AttemptEvidence } from "./evidence-port.ts";
import type { AttemptError } from "./failure.ts";

export type AttemptOutcome =
  | { ok: true; message: Omit<AssistantMessage, "id">; sources?: WebSource[] }
  | { ok: false; error: AttemptError };

export interface AttemptOptions extends ModelCallOptions {
  /** Where the traffic of a provider is kept; absent: nowhere. */
  evidence?: AttemptEvidence;
}

/** One way of asking a model. Retries, and what is said of them, are not its business. */
export interface Driver {
  /** One attempt at one turn. Resolves in every case, also when the signal aborts. */
  attempt(request: ModelRequest, options: AttemptOptions): Promise<AttemptOutcome>;
}
