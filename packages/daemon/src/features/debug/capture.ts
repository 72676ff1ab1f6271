import { type DebugCaptureView, type DebugLevel, problem } from "@kheish/contract";
import type { ModelRequest } from "../../engine/index.ts";
import { textsOfKey } from "../../governance/redaction/key-texts.ts";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { RecentMap } from "../../kernel/recent-map.ts";
import type { Store } from "../../kernel/store.ts";
import type { AttemptEvidence, CallEvidence, EvidenceContent, EvidencePort } from "../../model/index.ts";
import { attemptAt, attemptsAt, placeOf } from "./artifact-ids.ts";
import { readBundle } from "./bundle.ts";
import { cleaned, cut, UNSURE_BYTES } from "./clean.ts";
import { EvidenceKeeper } from "./keeper.ts";
import { type DebugKey, readDebugKey, type TextSource } from "./key.ts";
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
type Captured = "off" | "redacted" | "full";

/**
 * Keeps what is sent to models and what comes back (01-R100 to 01-R102). Evidence never holds a secret that the daemon
 * knows, nor anything that looks like one (02-R93); at `redacted` it holds no words either, only their shape. What cannot
 * be kept as it was asked for is not kept, and never costs the run anything.
 */
export class DebugCapture implements EvidencePort {
  readonly #options: DebugCaptureOptions;
  readonly #keeper: EvidenceKeeper;
  /** A run keeps the level that it began with, but `off` is off for all at once. */
  readonly #levels = new RecentMap<Captured>(MOST_RUNS);
  #key: DebugKey = { ok: true };
  #tokens: RedactTokens = { ok: true, tokens: [] };

  constructor(options: DebugCaptureOptions) {
    this.#options = options;
    this.#keeper = new EvidenceKeeper(options);
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
    if (this.#key.ok && this.#key.key !== undefined)
      redactor.hold("debug-key", textsOfKey(this.#key.key.bytes));
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
      const before = attemptsAt(bundle?.data.artifacts ?? [], place);
      return {
        attempt: (attempt) => this.#attempt(request, level, attemptAt(place, before + attempt)),
      };
    } catch (error) {
      this.#failed(runId, error);
      return undefined;
    }
  }

  #attempt(request: ModelRequest, level: "redacted" | "full", place: string): AttemptEvidence {
    return {
      mostBytes: this.policy.maxArtifactBytes + UNSURE_BYTES,
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
    const { redactor, policy } = this.#options;
    await this.refresh();
    if (!this.#key.ok) throw new Error(`the capture key cannot be used: ${this.#key.why}`);
    const tokens = this.#tokens;
    const text = tokens.ok
      ? cleaned(content, level, redactor)
      : `<withheld: ${tokens.why}, so it cannot be cleaned>`;
    const { kept, originalBytes } = cut(text, content, Math.min(policy.maxArtifactBytes, policy.maxRunBytes));
    const cutFrom = originalBytes === undefined ? {} : { originalBytes };
    const { format } = content;
    await this.#keeper.keep(
      { run_id, session_id, level, wanted, format, text: kept, ...cutFrom },
      this.#key.key,
    );
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
