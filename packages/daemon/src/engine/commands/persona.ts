import { type Problem, problem } from "@kheish/contract";
import { requireIdle } from "./settings.ts";
import { type CommandDeps, requireSession } from "./transact.ts";

/** No persona exists in this version, so every id is unknown (01, CreateSessionRequest). */
export function unknownPersona(personaId: string): Problem {
  return problem("personas", "persona_not_found", `no persona '${personaId}'`);
}

/** Binding a persona demands an idle session (01-R15) and a persona that exists. */
export async function bindPersona(deps: CommandDeps, sessionId: string, personaId: string): Promise<void> {
  requireIdle(await requireSession(deps.store, sessionId));
  throw unknownPersona(personaId);
}

/** Nothing is ever bound, so there is nothing to clear; who may ask is checked all the same. */
export async function clearPersona(deps: CommandDeps, sessionId: string): Promise<void> {
  requireIdle(await requireSession(deps.store, sessionId));
}
