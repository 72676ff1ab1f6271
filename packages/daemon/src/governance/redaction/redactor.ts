import type { Json } from "@kheish/contract";
import { formsOf } from "./encodings.ts";

export const REDACTED = "<redacted>";

/** Below this a secret is taken out only where it stands alone: as a part of words it would blank innocent ones. */
const MIN_ANYWHERE = 6;
/** Below this it cannot be told from any other text. */
const MIN_ALONE = 4;
/** Secrets that are no longer in force are remembered up to this many, the oldest are forgotten (02-R93). */
const MAX_FORMER = 4_096;

/** Keys of others by their usual shapes: text from outside may quote one that was never ours (02-R93). */
const SHAPES =
  /\b(?:sk|xai|gsk|pk)-[A-Za-z0-9_*-]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\b(?:ghp_|github_pat_|xoxb-|xoxp-)[A-Za-z0-9_-]{10,}|\bAKIA[A-Z0-9]{12,}|\bBearer\s+[^\s"']+|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|(?<=[?&](?:access_token|api_key|apikey|client_secret|code|key|refresh_token|secret|signature|token)=)[^&\s"'#]+/gi;

interface Needles {
  anywhere: readonly string[];
  alone: RegExp | undefined;
}

/**
 * Takes every secret the daemon knows out of a text, in each of its usual encodings (02-R93). Whoever gets hold of a
 * secret says so before it is used; what it replaces is still taken out, as it may be on its way.
 */
export class Redactor {
  readonly #held = new Map<string, ReadonlySet<string>>();
  /** In the order in which they went out of force. */
  readonly #former = new Set<string>();
  #needles: Needles | undefined;

  /** All secrets of one source, in the place of those it had before. */
  hold(source: string, secrets: readonly (string | undefined)[]): void {
    const now = new Set(
      secrets.filter((secret): secret is string => secret !== undefined && secret.trim() !== ""),
    );
    const before = this.#held.get(source);
    if (before !== undefined && before.size === now.size && [...now].every((one) => before.has(one))) return;
    for (const secret of before ?? []) {
      this.#former.delete(secret);
      this.#former.add(secret);
    }
    for (const oldest of this.#former) {
      if (this.#former.size <= MAX_FORMER) break;
      this.#former.delete(oldest);
    }
    this.#held.set(source, now);
    this.#needles = undefined;
  }

  /** The text without any secret that is known here. */
  text(text: string): string {
    const { anywhere, alone } = this.#current();
    let clean = text;
    for (const needle of anywhere) if (clean.includes(needle)) clean = clean.replaceAll(needle, REDACTED);
    return alone === undefined ? clean : clean.replace(alone, REDACTED);
  }

  /** The same, and without anything that looks like a key: for text that others wrote. */
  foreignText(text: string): string {
    return this.text(text).replace(SHAPES, REDACTED);
  }

  /** A value with every string in it cleaned; the value itself when there was nothing to clean. */
  json<T extends Json>(value: T): T {
    return this.#json(value) as T;
  }

  #json(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const cleaned = value.map((one) => this.#json(one));
      return cleaned.every((one, index) => one === value[index]) ? value : cleaned;
    }
    const entries = Object.entries(value);
    const cleaned = entries.map(([name, one]): [string, Json] => [this.text(name), this.#json(one)]);
    const isSame = cleaned.every(
      ([name, one], index) => name === entries[index]?.[0] && one === entries[index][1],
    );
    return isSame ? value : Object.fromEntries(cleaned);
  }

  #current(): Needles {
    this.#needles ??= needlesFor([
      ...this.#former,
      ...[...this.#held.values()].flatMap((secrets) => [...secrets]),
    ]);
    return this.#needles;
  }
}

function needlesFor(secrets: readonly string[]): Needles {
  const anywhere = new Set<string>();
  const alone = new Set<string>();
  for (const secret of secrets) {
    const trimmed = secret.trim();
    if (trimmed.length < MIN_ALONE) continue;
    if (trimmed.length < MIN_ANYWHERE) alone.add(trimmed);
    else for (const form of [...formsOf(secret), ...formsOf(trimmed)]) anywhere.add(form);
  }
  const words = [...alone].map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return {
    // The longest first: of a secret that contains another one nothing is left.
    anywhere: [...anywhere].sort((a, b) => b.length - a.length),
    alone:
      words.length === 0
        ? undefined
        : new RegExp(`(?<![A-Za-z0-9_])(?:${words.join("|")})(?![A-Za-z0-9_])`, "g"),
  };
}
