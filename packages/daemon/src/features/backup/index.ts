/** Backups: one archive of everything that a daemon owns, taken while it works, and brought back elsewhere. */
export { BackupError } from "./errors.ts";
export { rootFiles } from "./files.ts";
export { backupBindings } from "./http.ts";
export { verifyArchive } from "./read-archive.ts";
export { cutOffRestore, restore, verifyFile, verifyFileAndAudit } from "./restore.ts";
export { isHeldCopy, releaseCopy, restoredCopy } from "./restored-copy.ts";
export { type ArchiveOf, BackupService } from "./service.ts";
export { type ArchiveParts, writeArchive } from "./write-archive.ts";
