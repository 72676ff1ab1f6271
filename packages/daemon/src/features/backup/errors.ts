/** Why a backup could not be made, or why an archive is not what it says; one sentence for the operator. */
export class BackupError extends Error {
  readonly code: "damaged" | "incomplete" | "not_a_backup" | "newer" | "not_empty" | "in_use";

  constructor(code: BackupError["code"], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "BackupError";
    this.code = code;
  }
}
