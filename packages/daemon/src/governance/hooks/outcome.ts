import { type HookEvent, HookOutcome, type Json } from "@kheish/contract";

/** 03, Hook outcome: bounded length. */
const MAX_REASON_CHARS = 4_096;
/** Opening braces of prose that are looked at; so that no answer takes long to read. */
const MAX_OPENINGS = 256;

export type Parsed = { ok: true; outcome: HookOutcome } | { ok: false; error: string };

/**
 * What a hook wrote as an outcome: a JSON object, or the first balanced one in a code fence or in prose; nothing at all
 * is no opinion (03-R48, R49).
 */
export function parseText(text: string): Parsed {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: true, outcome: {} };
  const found = jsonIn(trimmed);
  return found === undefined ? refused("the answer holds no JSON object") : parseValue(found);
}

/** The same of a value. What is `null` is taken as left out; the daemon's own fields are not a hook's to fill. */
export function parseValue(value: Json): Parsed {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refused("the answer is no JSON object");
  }
  const said = Object.entries(value).filter(([name, one]) => one !== null && name !== "matched_hooks");
  const parsed = HookOutcome.safeParse(Object.fromEntries(said));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refused(`/${issue?.path.join("/") ?? ""}: ${issue?.message ?? "not an outcome"}`);
  }
  const { contract_version: _version, stop_reason: reason, ...outcome } = parsed.data;
  const foreign = outcome.updated_permissions?.find(({ scope }) => scope !== "session");
  // 03-R25: nothing of it is applied then.
  if (foreign !== undefined) {
    return refused(`updated_permissions are accepted at session scope only, not at ${foreign.scope}`);
  }
  return {
    ok: true,
    outcome: reason === undefined ? outcome : { ...outcome, stop_reason: reason.slice(0, MAX_REASON_CHARS) },
  };
}

function refused(error: string): Parsed {
  return { ok: false, error };
}

function jsonIn(text: string): Json | undefined {
  const whole = parsed(text);
  if (whole !== undefined) return whole;
  let openings = 0;
  for (let start = text.indexOf("{"); start >= 0; start = text.indexOf("{", start + 1)) {
    if (++openings > MAX_OPENINGS) return undefined;
    const end = balancedEnd(text, start);
    if (end === undefined) continue;
    const found = parsed(text.slice(start, end));
    if (found !== undefined) return found;
    start = end - 1;
  }
  return undefined;
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The end of the object that opens at `start`, braces in strings not counted. */
function balancedEnd(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Whether no further hook of the event is called, and what was to happen does not (03-R44). */
export function blocks(event: HookEvent, outcome: HookOutcome): boolean {
  return (
    outcome.decision === "block" ||
    outcome.continue_execution === false ||
    (event === "permission_request" && outcome.permission === "deny")
  );
}
