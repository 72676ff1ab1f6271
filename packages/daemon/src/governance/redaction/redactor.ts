import type { Json } from "@kheish/contract";
import { Needles, replaced } from "./needles.ts";

export const REDACTED = "<redacted>";

/** Secrets that nobody holds any more are remembered up to this many, the oldest are forgotten (02-R93). */
const MAX_FORMER = 4_096;

/** Keys of others by their usual shapes: text from outside may quote one that was never ours (02-R93). */
const SHAPES =
  /\b(?:sk|xai|gsk|pk)-[A-Za-z0-9_*-]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\b(?:ghp_|github_pat_|xoxb-|xoxp-)[A-Za-z0-9_-]{10,}|\bAKIA[A-Z0-9]{12,}|\bBearer\s+[^\s"']+|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|(?<=[?&](?:access_token|api_key|apikey|client_secret|code|key|refresh_token|secret|signature|token)=)[^&\s"'#]+/gi;

/** Cleans what comes in pieces. */
interface PieceStream<Piece, Clean> {
  /** What of all that has come is surely clean and has not been given before. */
  take(piece: Piece): Clean;
  /** The rest, when nothing more comes. */
  end(): Clean;
}
export type TextStream = PieceStream<string, string>;
export type ByteStream = PieceStream<Uint8Array, Uint8Array>;

/** `needles` are asked for with each piece: a secret may have become known in between. */
function streamOf(needles: () => Needles): TextStream {
  let waiting = "";
  return {
    take(piece) {
      waiting += piece;
      const known = needles();
      const spans = known.spansIn(waiting);
      let cut = known.begunAt(waiting);
      cut = spans.find(({ from, to }) => from < cut && cut < to)?.from ?? cut;
      const done = spans.filter(({ to }) => to <= cut);
      const clean = replaced(waiting.slice(0, cut), done, REDACTED);
      waiting = waiting.slice(cut);
      return clean;
    },
    end() {
      const rest = needles().replaceIn(waiting, REDACTED);
      waiting = "";
      return rest;
    },
  };
}

/**
 * Takes every secret the daemon knows out of a text, in each of its usual encodings (02-R93). Whoever gets hold of a
 * secret says so before it is used; what it replaces is still taken out, as it may be on its way.
 */
export class Redactor {
  readonly #held = new Map<string, ReadonlySet<string>>();
  /** In the order in which they were last heard of. */
  readonly #former = new Set<string>();
  #needles: Needles | undefined;
  #byteNeedles: Needles | undefined;

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
    this.#forgetOldest();
    this.#held.set(source, now);
    this.#changed();
  }

  /** One that no source holds, as a token that somebody has shown: among the newest of those that are remembered. */
  remember(secret: string): void {
    const isNew = !this.#former.delete(secret);
    this.#former.add(secret);
    if (!isNew) return;
    this.#forgetOldest();
    this.#changed();
  }

  /** The text without any secret that is known here. */
  text(text: string): string {
    return this.#current().replaceIn(text, REDACTED);
  }

  /** A line of JSON, which stays one. */
  jsonLine(line: string): string {
    return this.text(line) === line ? line : `${JSON.stringify(this.json(JSON.parse(line) as Json))}\n`;
  }

  /** The same, and without anything that looks like a key: for text that others wrote. */
  foreignText(text: string): string {
    return this.text(text).replace(SHAPES, REDACTED);
  }

  /**
   * The same of a text that comes in pieces and is shown as it comes: what may be the beginning of a secret is held back
   * until it is known. After the last piece `end` gives the rest.
   */
  stream(): TextStream {
    return streamOf(() => this.#current());
  }

  /** The same of bytes, whatever is written in them. */
  byteStream(): ByteStream {
    const text = streamOf(() => this.#forBytes());
    return {
      take: (piece) =>
        Buffer.from(
          text.take(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1")),
          "latin1",
        ),
      end: () => Buffer.from(text.end(), "latin1"),
    };
  }

  /** The same of bytes that are waited for. */
  async *bytes(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const stream = this.byteStream();
    for await (const piece of pieces) {
      const clean = stream.take(piece);
      if (clean.length > 0) yield clean;
    }
    const rest = stream.end();
    if (rest.length > 0) yield rest;
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

  #forgetOldest(): void {
    for (const oldest of this.#former) {
      if (this.#former.size <= MAX_FORMER) return;
      this.#former.delete(oldest);
    }
  }

  #changed(): void {
    this.#needles = undefined;
    this.#byteNeedles = undefined;
  }

  #current(): Needles {
    this.#needles ??= new Needles(this.#secrets());
    return this.#needles;
  }

  #forBytes(): Needles {
    this.#byteNeedles ??= new Needles(this.#secrets(), (text) => Buffer.from(text).toString("latin1"));
    return this.#byteNeedles;
  }

  #secrets(): string[] {
    return [...this.#former, ...[...this.#held.values()].flatMap((secrets) => [...secrets])];
  }
}
