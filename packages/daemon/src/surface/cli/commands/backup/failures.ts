import { BackupError } from "../../../../features/backup/index.ts";
import { StoreError } from "../../../../kernel/store.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import { cannotRead } from "../../file-failure.ts";

/** Says of which file or root it is, and ends with a code that a script can tell apart. */
export async function withArchiveErrors<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError) {
      const isConflict = error.code === "not_empty" || error.code === "in_use";
      const text = isConflict ? error.message : `${file}: ${error.message}`;
      throw new CliError(text, isConflict ? ExitCode.conflict : ExitCode.failure);
    }
    if (error instanceof StoreError) {
      const isHeld = error.code === "locked";
      const next = isHeld ? ["stop that daemon first; a backup of a running one needs no --offline"] : [];
      throw new CliError(error.message, isHeld ? ExitCode.conflict : ExitCode.failure, next);
    }
    if ((error as { path?: unknown }).path === file) throw new CliError(cannotRead(file, error));
    throw error;
  }
}
