import { isProblem, type Json, Problem, problem } from "@kheish/contract";
import type { Log } from "../../../kernel/log.ts";
import type { Random } from "../../../kernel/random.ts";
import { StoreError } from "../../../kernel/store.ts";

/**
 * Turns whatever was thrown into the problem the caller may see.
 * What is not typed becomes an incident: the log has all of it, the caller only the number to ask for.
 */
export class ProblemDesk {
  readonly #logger: Log;
  readonly #random: Random;
  readonly #redact: RedactJson;

  constructor(logger: Log, random: Random, redact: RedactJson = (value) => value) {
    this.#logger = logger;
    this.#random = random;
    this.#redact = redact;
  }

  problemFor(error: unknown, requestId?: string): Problem {
    if (isProblem(error)) return this.#redacted(error);
    const incidentId = `inc_${this.#random.hex(8)}`;
    this.#logger.error({ incident_id: incidentId, request_id: requestId, err: error }, "a request failed");
    return storeProblem(error, incidentId) ?? internalError(incidentId);
  }

  /** What a refusal quotes of a request or of another server may hold a secret (02-R93). */
  #redacted(error: Problem): Problem {
    const { errors } = error.extras;
    const said = { detail: error.message, errors: errors ?? [] };
    const clean = this.#redact(said);
    if (clean === said) return error;
    const extras = errors === undefined ? error.extras : { ...error.extras, errors: clean.errors };
    return new Problem(error.domain, error.code, error.status, clean.detail, extras);
  }
}

/** A value without the secrets of the daemon. */
export type RedactJson = <T extends Json>(value: T) => T;

/** A store that cannot write now may do so later, and the caller should try again; a damaged one will not. */
function storeProblem(error: unknown, incidentId: string): Problem | undefined {
  if (!(error instanceof StoreError)) return undefined;
  const extras = { incident_id: incidentId };
  if (error.code === "full")
    return problem("api", "storage_full", "the daemon's storage is full; free space and try again", extras);
  if (error.code === "unavailable" || error.code === "locked")
    return problem("api", "store_unavailable", "the daemon's store does not answer; try again", extras);
  if (error.code === "corrupt") {
    const next = "stop the daemon and bring a backup back with 'kheish restore'";
    return problem("api", "store_damaged", `the daemon's store is damaged: ${next}`, extras);
  }
  return undefined;
}

function internalError(incidentId: string): Problem {
  return problem("api", "internal_error", "the daemon failed; its log has the incident", {
    incident_id: incidentId,
  });
}
