import { problem } from "@kheish/contract";
import type { Changer } from "../../engine/index.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import { type ArchiveParts, writeArchive } from "./write-archive.ts";

export type ArchiveOf = Omit<ArchiveParts, "backupId" | "createdAtMs">;

/** While a snapshot is open the database cannot clean up behind its writers, so nobody may keep one for long. */
export const TAKE_WITHIN_MS = 60_000;

export interface BackupServiceOptions {
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  random: Random;
  log: Log;
  open: () => Promise<ArchiveOf>;
}

/** Backups of a daemon that is at work: one at a time, each for as long as somebody takes it. */
export class BackupService {
  readonly #options: BackupServiceOptions;
  #isRunning = false;

  constructor(options: BackupServiceOptions) {
    this.#options = options;
  }

  /** The name and the bytes of a new archive; who takes it is audited first. Refuses a second one at the same time. */
  async begin(by: Changer): Promise<{ backupId: string; bytes: AsyncIterable<Uint8Array> }> {
    if (this.#isRunning)
      throw problem("backups", "backup_in_progress", "another backup is being taken; wait until it is done");
    this.#isRunning = true;
    try {
      const { audit, clock, random, open } = this.#options;
      const backupId = `bak-${random.hex(8)}`;
      await audit.commitAdmin([], { ...by, target: "backup", change: { taken: backupId } });
      const parts = { ...(await open()), backupId, createdAtMs: clock.now() };
      return { backupId, bytes: this.#taken(writeArchive(parts), parts) };
    } catch (error) {
      this.#isRunning = false;
      throw error;
    }
  }

  #taken(archive: AsyncGenerator<Uint8Array>, { backupId, source }: ArchiveParts): AsyncIterable<Uint8Array> {
    const { clock, log } = this.#options;
    let abandoned = false;
    const end = async (outcome: string) => {
      waiting.cancel();
      if (!this.#isRunning || abandoned) return;
      abandoned = true;
      this.#isRunning = false;
      // A generator that nobody has asked for anything has nothing to clean up; its source is open all the same.
      await archive.return(undefined).catch(() => undefined);
      await source.close();
      log.info({ backup_id: backupId, outcome }, "a backup ended");
    };
    const patience = (): Timer => clock.schedule(TAKE_WITHIN_MS, () => void end("nobody took it"));
    let waiting = patience();
    return {
      [Symbol.asyncIterator]: () => ({
        async next() {
          waiting.cancel();
          try {
            if (abandoned) throw new Error("the backup was given up, because nobody took it");
            const next = await archive.next();
            if (next.done === true) await end("complete");
            else waiting = patience();
            return next;
          } catch (error) {
            log.error({ backup_id: backupId, err: String(error) }, "a backup failed");
            await end("failed");
            throw error;
          }
        },
        async return() {
          await end("broken off");
          return { done: true as const, value: undefined };
        },
      }),
    };
  }
}
