import type { AssistantMessage } from "../engine/messages.ts";
import type { ModelCallOptions, ModelRequest } from "../engine/ports.ts";
import type { AttemptError } from "./failure.ts";

export type AttemptOutcome =
  | { ok: true; message: Omit<AssistantMessage, "id"> }
  | { ok: false; error: AttemptError };

/** One way of asking a model. Retries, and what is said of them, are not its business. */
export interface Driver {
  /** One attempt at one turn. Resolves in every case, also when the signal aborts. */
  attempt(request: ModelRequest, options: ModelCallOptions): Promise<AttemptOutcome>;
}
