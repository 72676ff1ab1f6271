import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ExternalAction } from "../../src/engine/index.ts";
import { Audit, type RingKeys } from "../../src/governance/audit/index.ts";
import { SimulatedClock } from "../../src/kernel/clock.ts";
import type { Log } from "../../src/kernel/log.ts";
import { openSqliteStore } from "../../src/kernel/sqlite/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { JournalTail } from "../../src/kernel/tail.ts";
import { exportedBy, SIGNER } from "./support.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A ledger of its own on a store, with nothing around it: small segments and pages, so that there are many. */
export class LedgerWorld {
  readonly clock = new SimulatedClock();
  readonly store: Store;
  readonly audit: Audit;
  readonly directory: string;
  readonly #tail: JournalTail;

  private constructor(store: Store, directory: string, keys: RingKeys) {
    this.store = store;
    this.directory = directory;
    this.#tail = new JournalTail({ store, clock: this.clock, capacity: 64, onError: () => undefined });
    this.audit = new Audit({
      store,
      clock: this.clock,
      log: silent,
      keys,
      segmentRecords: 4,
      pageLines: 12,
    });
  }

  /** On a store of its own, or on what another one left behind. */
  static async open(
    options: { after?: LedgerWorld; store?: Store; keys?: RingKeys; holds?: boolean } = {},
  ): Promise<LedgerWorld> {
    const directory = options.after?.directory ?? (await mkdtemp(join(tmpdir(), "kheish-audit-")));
    const store = options.store ?? (await openSqliteStore({ path: join(directory, "kheish.db") }));
    const world = new LedgerWorld(store, directory, options.keys ?? { signer: SIGNER });
    try {
      await world.audit.begin({ holds: options.holds === true });
    } catch (error) {
      await store.close();
      throw error;
    }
    await world.#tail.start();
    await world.audit.start(world.#tail);
    return world;
  }

  /** One commit with these actions; once more when another daemon was faster, as all who write do. */
  async commit(...actions: ExternalAction[]): Promise<void> {
    const sealed = await this.audit.ledger.seal(actions, this.clock.now());
    const result = await this.store.commit(sealed.ops);
    if (result.ok) {
      sealed.landed();
      return;
    }
    sealed.lost();
    if (result.reason !== "stale_seq" && result.reason !== "stale_revision")
      throw new Error(`refused: ${result.reason}`);
    await this.commit(...actions);
  }

  /** A request and its answer, in a commit each. */
  async act(run: string, times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      const action = {
        run_id: run,
        session_id: `s-${run}`,
        principal_id: "p",
        kind: "shell",
        target: "bash",
      };
      await this.commit(
        { ...action, phase: "request", request_digest: "ab".repeat(32) },
        { ...action, kind: "provider_request", phase: "response", outcome: "ok" },
      );
      await this.commit({ ...action, phase: "response", outcome: "ok" });
      await this.clock.advance(10);
    }
  }

  /** A change by an operator. */
  async change(reason: string): Promise<void> {
    await this.audit.ledger.commitAdmin([], {
      principal: "admin",
      request_id: "req_1",
      reason,
      target: "runtime/permission_mode",
      change: { to: "plan" },
    });
  }

  /** Lets the clock come to the next anchor. */
  anchored(): Promise<void> {
    return this.clock.advance(2_000);
  }

  exported(selection: Record<string, unknown> = {}): Promise<string> {
    return exportedBy((query) => this.audit.exportPage(query), selection);
  }

  /** What somebody does to the store while no daemon looks. */
  async tampered(what: string | ((db: DatabaseSync) => void)): Promise<LedgerWorld> {
    await this.close();
    this.mend(what);
    return LedgerWorld.open({ after: this });
  }

  /** The same behind the back of a daemon that runs. */
  mend(what: string | ((db: DatabaseSync) => void)): void {
    const db = new DatabaseSync(join(this.directory, "kheish.db"));
    try {
      if (typeof what === "string") db.exec(what);
      else what(db);
    } finally {
      db.close();
    }
  }

  async close(): Promise<void> {
    this.#tail.stop();
    await this.store.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
