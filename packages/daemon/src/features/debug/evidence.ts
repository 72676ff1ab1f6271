import { createHash } from "node:crypto";
import { problem, type RunDebugView } from "@kheish/contract";
import { requireRun } from "../../engine/index.ts";
import { unseal } from "../../governance/secrets/index.ts";
import type { Store } from "../../kernel/store.ts";
import { readBody, readBundle } from "./bundle.ts";
import { sealContext } from "./keeper.ts";
import { readDebugKey, type TextSource } from "./key.ts";

/** What was captured of runs, for whoever reads it. */
export class DebugEvidence {
  readonly #store: Store;
  readonly #key: TextSource | undefined;

  /** `key`: absent where nothing is captured. */
  constructor(store: Store, key: TextSource | undefined) {
    this.#store = store;
    this.#key = key;
  }

  /** A known run of which nothing was captured says `off`. */
  async view(runId: string): Promise<RunDebugView> {
    await requireRun(this.#store, runId);
    const bundle = await readBundle(this.#store, runId);
    if (bundle === undefined) return { run_id: runId, level: "off", artifacts: [] };
    const { level, artifacts, dropped } = bundle.data;
    const sorted = artifacts.toSorted((a, b) => (a.artifact_id < b.artifact_id ? -1 : 1));
    return { run_id: runId, level, artifacts: sorted, ...(dropped === 0 ? {} : { dropped }) };
  }

  /** One artifact as it was captured; refused when it is not what was written (01-R102). */
  async artifact(runId: string, artifactId: string): Promise<string> {
    const { level, artifacts } = await this.view(runId);
    if (level === "off") {
      throw problem(
        "runs",
        "run_debug_not_found",
        `run '${runId}' was not captured, or its evidence is gone`,
      );
    }
    const artifact = artifacts.find(({ artifact_id }) => artifact_id === artifactId);
    if (artifact === undefined) {
      throw problem(
        "runs",
        "run_debug_artifact_not_found",
        `run '${runId}' has no artifact '${artifactId}'; 'runs debug ${runId}' lists them`,
      );
    }
    const text = await this.#open(runId, artifactId);
    if (text !== undefined && createHash("sha256").update(text).digest("hex") === artifact.sha256)
      return text;
    const key = artifact.encryption_key_id;
    throw problem(
      "runs",
      "run_debug_artifact_unreadable",
      `artifact '${artifactId}' of run '${runId}' cannot be read: ` +
        (key === undefined ? "it is damaged" : `it is damaged, or the capture key is not '${key}'`),
    );
  }

  async #open(runId: string, artifactId: string): Promise<string | undefined> {
    const body = await readBody(this.#store, runId, artifactId);
    if (body === undefined || "text" in body) return body?.text;
    const read = this.#key === undefined ? undefined : await readDebugKey(this.#key);
    const key = read?.ok === true ? read.key : undefined;
    return key === undefined ? undefined : unseal(body.sealed, key, sealContext(runId, artifactId));
  }
}
