import { createHash } from "node:crypto";
import {
  type DebugCaptureView,
  type DebugLevel,
  type Json,
  problem,
  type RunDebugArtifact,
} from "@kheish/contract";
import type { ModelRequest } from "../../engine/index.ts";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import { type MasterKey, seal } from "../../governance/secrets/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { RecentMap } from "../../kernel/recent-map.ts";
import type { Store } from "../../kernel/store.ts";
import type { AttemptEvidence, CallEvidence, EvidenceContent, EvidencePort } from "../../model/index.ts";
import {
  addOps,
  type Body,
  BUNDLE,
  type Bundle,
  deleteOps,
  readBundle,
  totalBytes,
  withArtifact,
} from "./bundle.ts";
import { type DebugKey, readDebugKey, type TextSource } from "./key.ts";
import { mapStrings, outline, outlineText } from "./outline.ts";
import type { DebugPolicy } from "./policy.ts";
import { type RedactTokens, readRedactTokens } from "./redact-tokens.ts";

export interface DebugCaptureOptions {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  redactor: Redactor;
  policy: DebugPolicy;
  key: TextSource;
  redactTokens: TextSource;
  /** The level in force. */
  level: () => DebugLevel;
}

/** Runs whose level is remembered; one that is forgotten begins again with the level in force. */
const MOST_RUNS = 10_000;
/** Others write to the same bundle only when a session has just moved between daemons. */
const MAX_ATTEMPTS = 5;
/** Bundles that are looked at at a time for room in the store. */
const PAGE = 50;
/** Of a text that was cut, the end may be the beginning of a secret: no secret is as long as this. */
const UNSURE = 65_536;

type Captured = "off" | "redacted" | "full";

/** What debug evidence is bound to: another run's, or another artifact's, does not open in its place. */
export function sealContext(runId: string, artifactId: string) {
  return { purpose: "debug" as const, identity: [runId, artifactId] };
}

/**
 * Keeps what is sent to models and what comes back (01-R100 to 01-R102). Evidence never holds a secret that the daemon
 * knows, nor anything that looks like one (02-R93); at `redacted` it holds no words either, only their shape. What cannot
 * be kept as it was asked for is not kept, and never costs the run anything.
 */
export class DebugCapture implements EvidencePort {
  readonly #options: DebugCaptureOptions;
  readonly #mutex = new KeyedMutex();
  /** A run keeps the level that it began with, but `off` is off for all at once. */
  readonly #levels = new RecentMap<Captured>(MOST_RUNS);
  #key: DebugKey = { ok: true };
  #tokens: RedactTokens = { ok: true, tokens: [] };

  constructor(options: DebugCaptureOptions) {
    this.#options = options;
  }

  get policy(): DebugPolicy {
    return this.#options.policy;
  }

  get keySource(): TextSource {
    return this.#options.key;
  }

  /** Reads the key and the tokens as they are now. */
  async refresh(): Promise<void> {
    const { key, redactTokens, redactor } = this.#options;
    [this.#key, this.#tokens] = await Promise.all([readDebugKey(key), readRedactTokens(redactTokens)]);
    if (this.#tokens.ok) redactor.hold("debug-redact-tokens", this.#tokens.tokens);
    if (this.#key.ok && this.#key.key !== undefined) {
      const bytes = Buffer.from(this.#key.key.bytes);
      redactor.hold("debug-key", [bytes.toString("base64"), bytes.toString("latin1"), bytes.toString("hex")]);
    }
  }

  /** Throws when a level could not do what it says (02-R94, 02-R95). */
  async check(): Promise<void> {
    await this.refresh();
    if (!this.#key.ok) {
      const detail = `the key of KHEISH_DEBUG_CAPTURE_KEY[_FILE] cannot be used: ${this.#key.why}; mend it or leave the level off`;
      throw problem("runtime", "debug_capture_key_invalid", detail);
    }
    if (!this.#tokens.ok) {
      const detail = `the tokens of KHEISH_DEBUG_REDACT_TOKENS[_FILE] cannot be used: ${this.#tokens.why}; mend them or leave the level off`;
      throw problem("runtime", "runtime_validation_failed", detail);
    }
  }

  view(): DebugCaptureView {
    const { policy } = this.#options;
    const tokens = this.#tokens;
    return {
      ttl_ms: policy.ttlMs,
      gc_interval_ms: policy.gcIntervalMs,
      max_artifact_bytes: policy.maxArtifactBytes,
      max_run_bytes: policy.maxRunBytes,
      max_artifacts_per_run: policy.maxArtifactsPerRun,
      max_store_bytes: policy.maxStoreBytes,
      encryption: encryptionOf(this.#key),
      redact_tokens: {
        status: !tokens.ok ? "unreadable" : tokens.source === undefined ? "none" : "ok",
        ...(tokens.source === undefined ? {} : { source: tokens.source }),
        count: tokens.ok ? tokens.tokens.length : 0,
      },
    };
  }

  /** Undefined, without a look at the store, as long as nothing is captured. */
  async open(request: ModelRequest): Promise<CallEvidence | undefined> {
    const { run_id: runId } = request;
    const inForce = capturedAt(this.#options.level());
    const begun = this.#levels.get(runId);
    if (inForce === "off" || begun === "off") {
      if (begun === undefined) this.#levels.set(runId, "off");
      return undefined;
    }
    try {
      const bundle = await readBundle(this.#options.store, runId);
      const level = begun ?? bundle?.data.level ?? inForce;
      this.#levels.set(runId, level);
      const place = placeOf(request);
      const before = attemptsAt(bundle?.data, place);
      return {
        attempt: (attempt) =>
          this.#attempt(request, level, `${place}-${number("attempt", before + attempt)}`),
      };
    } catch (error) {
      this.#failed(runId, error);
      return undefined;
    }
  }

  #attempt(request: ModelRequest, level: "redacted" | "full", place: string): AttemptEvidence {
    return {
      mostBytes: this.policy.maxArtifactBytes + UNSURE,
      keep: async (kind, content) => {
        try {
          await this.#keep(request, level, `${place}-${kind}`, content);
        } catch (error) {
          this.#failed(request.run_id, error);
        }
      },
    };
  }

  #failed(runId: string, error: unknown): void {
    this.#options.log.warn({ run_id: runId, err: String(error) }, "debug evidence could not be kept");
  }

  async #keep(
    { run_id, session_id }: ModelRequest,
    level: "redacted" | "full",
    wanted: string,
    content: EvidenceContent,
  ): Promise<void> {
    const { store, clock, policy } = this.#options;
    await this.refresh();
    if (!this.#key.ok) throw new Error(`the capture key cannot be used: ${this.#key.why}`);
    const { key } = this.#key;
    const text = this.#cleaned(level, content);
    const most = Math.min(policy.maxArtifactBytes, policy.maxRunBytes);
    const { kept, originalBytes } = cut(text, content, most);
    const added = await this.#mutex.run(run_id, async () => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const before = await readBundle(store, run_id);
        const now = clock.now();
        const known = before?.data.artifacts ?? [];
        const isTaken = known.some(({ artifact_id }) => artifact_id === wanted);
        // Of what comes twice at one place, both are evidence (01-R101).
        const artifactId = isTaken ? `${wanted}-${now}-${known.length}` : wanted;
        const made = this.#made(run_id, artifactId, kept, key);
        const artifact: RunDebugArtifact = {
          artifact_id: artifactId,
          format: content.format,
          updated_at_ms: now,
          ...made.sizes,
          sha256: createHash("sha256").update(kept).digest("hex"),
          truncated: originalBytes !== undefined,
          ...(originalBytes === undefined ? {} : { original_bytes: originalBytes }),
        };
        const empty: Bundle = {
          run_id,
          session_id,
          level,
          bytes: 0,
          updated_at_ms: now,
          artifacts: [],
          dropped: 0,
        };
        const next = withArtifact(before?.data ?? empty, artifact, policy);
        const result = await store.commit(addOps(before, next, artifactId, made.body));
        if (result.ok) return true;
      }
      return false;
    });
    if (!added) throw new Error("too many write to the same bundle");
    await this.#makeRoom(run_id);
  }

  #made(runId: string, artifactId: string, kept: string, key: MasterKey | undefined) {
    const plaintext_bytes = Buffer.byteLength(kept);
    if (key === undefined) {
      const body: Body = { text: kept };
      return { body, sizes: { bytes: plaintext_bytes, plaintext_bytes, encrypted: false } };
    }
    const sealed = seal(kept, key, sealContext(runId, artifactId), this.#options.random);
    const body: Body = { sealed };
    const bytes = Buffer.byteLength(sealed.ciphertext, "base64");
    return { body, sizes: { bytes, plaintext_bytes, encrypted: true, encryption_key_id: key.id } };
  }

  /** Without secrets; without words, where only their shape is wanted. */
  #cleaned(level: "redacted" | "full", content: EvidenceContent): string {
    const tokens = this.#tokens;
    if (!tokens.ok) return `<withheld: ${tokens.why}, so it cannot be cleaned>`;
    const { redactor } = this.#options;
    if (content.format === "text") {
      const clean = redactor.foreignText(content.text);
      return level === "full" ? clean : outlineText(clean);
    }
    // As it would be sent: what has no JSON is left out.
    const value = JSON.parse(JSON.stringify(content.value)) as Json;
    const shown = level === "full" ? value : outline(value);
    return JSON.stringify(
      mapStrings(shown, (text) => redactor.foreignText(text)),
      null,
      2,
    );
  }

  /** The oldest bundles of other runs give way when all of them together take too much. */
  async #makeRoom(runId: string): Promise<void> {
    const { store, policy } = this.#options;
    let bytes = await totalBytes(store);
    if (bytes <= policy.maxStoreBytes) return;
    const oldest = await store.list<Json>(BUNDLE, { index: "age", limit: PAGE });
    for (const { revision, data } of oldest) {
      const bundle = data as unknown as Bundle;
      if (bytes <= policy.maxStoreBytes) return;
      if (bundle.run_id === runId) continue;
      const { ok } = await store.commit(deleteOps({ revision, data: bundle }));
      if (ok) bytes -= bundle.bytes;
    }
  }
}

/** `on` is what one wants who has no wish: the shape, not the words. */
function capturedAt(level: DebugLevel): Captured {
  return level === "on" ? "redacted" : level;
}

function encryptionOf(key: DebugKey): DebugCaptureView["encryption"] {
  if (!key.ok) return { status: "invalid" };
  return key.key === undefined ? { status: "off" } : { status: "ok", key_id: key.key.id };
}

/** `turn-0000`, as the run's events count turns. */
function placeOf({ kind, turn }: ModelRequest): string {
  return `${kind === "compaction" ? "compaction-" : ""}${number("turn", turn)}`;
}

function number(name: string, value: number): string {
  return `${name}-${String(value).padStart(4, "0")}`;
}

/** Attempts that were made at this place before: by a call that a death cut off, or on another route. */
function attemptsAt(bundle: Bundle | undefined, place: string): number {
  const attempts = (bundle?.artifacts ?? []).map(({ artifact_id: id }) =>
    id.startsWith(`${place}-attempt-`) ? Number.parseInt(id.slice(`${place}-attempt-`.length), 10) : 0,
  );
  return Math.max(0, ...attempts);
}

/** At most so many bytes of it, whole characters; and how many there were, when some are missing. */
function cut(text: string, content: EvidenceContent, most: number): { kept: string; originalBytes?: number } {
  const bytes = Buffer.from(text);
  const missing = content.format === "text" ? content.missing : 0;
  const limit = missing > 0 ? Math.min(most, Math.max(0, bytes.length - UNSURE)) : most;
  if (bytes.length <= limit) return { kept: text };
  const kept = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, limit), {
    stream: true,
  });
  return { kept, originalBytes: bytes.length + missing };
}
