import { createHash } from "node:crypto";
import type { Json, RunDebugArtifact } from "@kheish/contract";
import { type MasterKey, seal } from "../../governance/secrets/index.ts";
import type { Clock } from "../../kernel/clock.ts";
import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../kernel/store.ts";
import { freeId } from "./artifact-ids.ts";
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
import type { DebugPolicy } from "./policy.ts";

/** Others write to the same bundle only when a session has just moved between daemons. */
const MAX_ATTEMPTS = 5;
/** Bundles that are looked at at a time for room in the store. */
const PAGE = 50;

/** One artifact as it is to be kept: cleaned, and no longer than it may be. */
export interface Piece {
  run_id: string;
  session_id: string;
  level: Bundle["level"];
  /** Its id, unless that is taken. */
  wanted: string;
  format: RunDebugArtifact["format"];
  text: string;
  /** Before it was cut. */
  originalBytes?: number;
}

export interface KeeperDeps {
  store: Store;
  clock: Clock;
  random: Random;
  policy: DebugPolicy;
}

/** What an artifact is bound to when it is encrypted: in another's place it does not open. */
export function sealContext(runId: string, artifactId: string) {
  return { purpose: "debug" as const, identity: [runId, artifactId] };
}

/** Writes evidence, each piece with its place in the run's bundle in one commit, within what the policy allows. */
export class EvidenceKeeper {
  readonly #deps: KeeperDeps;
  readonly #mutex = new KeyedMutex();

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  async keep(piece: Piece, key: MasterKey | undefined): Promise<void> {
    const added = await this.#mutex.run(piece.run_id, () => this.#add(piece, key));
    if (!added) throw new Error("too many write to the same bundle");
    await this.#makeRoom(piece.run_id);
  }

  async #add(piece: Piece, key: MasterKey | undefined): Promise<boolean> {
    const { store, clock, policy } = this.#deps;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await readBundle(store, piece.run_id);
      const now = clock.now();
      const bundle = before?.data ?? emptyBundle(piece, now);
      const id = freeId(piece.wanted, bundle.artifacts, now);
      const { body, sizes } = this.#bodyOf(piece, id, key);
      const artifact: RunDebugArtifact = {
        artifact_id: id,
        format: piece.format,
        updated_at_ms: now,
        ...sizes,
        sha256: createHash("sha256").update(piece.text).digest("hex"),
        truncated: piece.originalBytes !== undefined,
        ...(piece.originalBytes === undefined ? {} : { original_bytes: piece.originalBytes }),
      };
      const next = withArtifact(bundle, artifact, policy);
      if ((await store.commit(addOps(before, next, id, body))).ok) return true;
    }
    return false;
  }

  #bodyOf({ run_id, text }: Piece, id: string, key: MasterKey | undefined) {
    const plaintext_bytes = Buffer.byteLength(text);
    if (key === undefined) {
      const body: Body = { text };
      return { body, sizes: { bytes: plaintext_bytes, plaintext_bytes, encrypted: false } };
    }
    const sealed = seal(text, key, sealContext(run_id, id), this.#deps.random);
    const body: Body = { sealed };
    const bytes = Buffer.byteLength(sealed.ciphertext, "base64");
    return { body, sizes: { bytes, plaintext_bytes, encrypted: true, encryption_key_id: key.id } };
  }

  /** The oldest bundles of other runs give way when all of them together take too much. */
  async #makeRoom(runId: string): Promise<void> {
    const { store, policy } = this.#deps;
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

function emptyBundle({ run_id, session_id, level }: Piece, nowMs: number): Bundle {
  return { run_id, session_id, level, bytes: 0, updated_at_ms: nowMs, artifacts: [], dropped: 0 };
}
