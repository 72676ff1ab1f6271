import { isProblem, type Problem, problem } from "@kheish/contract";
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

  constructor(logger: Log, random: Random) {
    this.#logger = logger;
    this.#random = random;
  }

  problemFor(error: unknown, requestId?: string): Problem {
    if (isProblem(error)) return error;
    const incidentId = `inc_${this.#random.hex(8)}`;
    this.#logger.error({ incident_id: incidentId, request_id: requestId, err: error }, "a request failed");
    return storeProblem(error, incidentId) ?? internalError(incidentId);
  }
}

/** A store that cannot write now may do so later, and the caller should try again; a corrupt one will not. */
function storeProblem(error: unknown, incidentId: string): Problem | undefined {
  if (!(error instanceof StoreError)) return undefined;
  const extras = { incident_id: incidentId };
  if (error.code === "full")
    return problem("api", "storage_full", "the daemon's storage is full; free space and try again", extras);
  if (error.code === "unavailable" || error.code === "locked")
    return problem("api", "store_unavailable", "the daemon's store does not answer; try again", extras);
  return undefined;
}

function internalError(incidentId: string): Problem {
  return problem("api", "internal_error", "the daemon failed; its log has the incident", {
    incident_id: incidentId,
  });
}
