import type { Secret } from "../routes/secret.ts";

const HIDDEN = "<redacted>";
const MAX_CHARACTERS = 1_000;
/** Below this a literal would blank innocent words (02-R93). */
const MIN_SECRET_CHARACTERS = 6;
/** Keys by their usual beginnings: a provider may quote one that is not ours, or ours with its middle starred out. */
const KEY_SHAPES = /\b(sk|xai|gsk|pk)-[A-Za-z0-9_*-]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\bBearer\s+[^\s"']+/g;

/** Text for people with every key taken out, and no longer than an error message should be. */
export function redact(text: string, secret: Secret | undefined): string {
  const key = secret?.reveal() ?? "";
  const known = key.length < MIN_SECRET_CHARACTERS ? text : text.replaceAll(key, HIDDEN);
  const clean = known.replace(KEY_SHAPES, HIDDEN);
  return clean.length > MAX_CHARACTERS ? `${clean.slice(0, MAX_CHARACTERS)}…` : clean;
}
