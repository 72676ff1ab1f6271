import type { Dirent } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BackupManifest } from "@kheish/contract";
import { errnoOf } from "../../kernel/errno.ts";

export type LeftOut = BackupManifest["left_out"][number];

/** A file of the state root that is neither the store nor a blob: it comes along as it is. */
export interface RootFile {
  /** Relative to the root, with `/` on every platform. */
  path: string;
  absolute: string;
}

/** What the archive holds in another form, and what belongs to this root alone. */
const OWN = [
  /^kheish\.db(-\w+)?$/,
  /^daemon\.lock(\.\w+)?(-\w+)?$/,
  /^instance-id$/,
  /^restoring$/,
  /^blobs$/,
  /^logs$/,
];
const UNFINISHED = /\.tmp$/;
/** Keys and tokens, by the names that anybody gives them. */
const SECRET = /\.(key|pem|p12|pfx)$|(^|[-_.])(token|secret|password|credential)s?([-_.]|$)|^\.env/i;

/** Secrets in files of the reference, in plain text perhaps; what the daemon took over of them is in the store. */
const LEGACY = /^auth\/global-slots\./;

/** These never stand in a state root, or not by our doing; an operator who needs them keeps them apart. */
export const NEVER_INCLUDED: readonly LeftOut[] = [
  { what: "the master key of the secret slots", why: "key material: without it the slots cannot be read" },
  {
    what: "the routes file, the token files and the environment",
    why: "they are the operator's, not the daemon's",
  },
  { what: "the workspace", why: "agents' files are backed up as files" },
  { what: "the program", why: "the manifest names the version that wrote the archive" },
];

/** The files under a state root that go along, and those that do not, each with its reason. */
export async function rootFiles(
  root: string,
  includeKeys: boolean,
): Promise<{ files: RootFile[]; leftOut: LeftOut[] }> {
  const files: RootFile[] = [];
  const leftOut: LeftOut[] = [];
  const visit = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true });
    for (const entry of entries.toSorted(byName)) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if ((below === "" && OWN.some((own) => own.test(entry.name))) || UNFINISHED.test(entry.name)) continue;
      const why = LEGACY.test(path)
        ? "secrets in a file of an older version"
        : reasonAgainst(entry, includeKeys);
      if (why !== undefined) leftOut.push({ what: path, why });
      else if (entry.isDirectory()) await visit(path);
      else files.push({ path, absolute: join(root, path) });
    }
  };
  await visit("");
  return { files, leftOut };
}

function reasonAgainst(entry: Dirent, includeKeys: boolean): string | undefined {
  if (!includeKeys && SECRET.test(entry.name)) return "key material: keep it apart from the backup";
  if (!entry.isDirectory() && !entry.isFile()) return "not a plain file";
  return undefined;
}

function byName(one: Dirent, other: Dirent): number {
  return one.name < other.name ? -1 : 1;
}

/** A file as long as it is now: what is appended meanwhile is for the next backup. */
export async function openAsItIs(
  path: string,
): Promise<{ sizeBytes: number; bytes: AsyncIterable<Uint8Array> } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { size } = await file.stat();
    return { sizeBytes: size, bytes: firstBytes(file, size) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* firstBytes(file: FileHandle, size: number): AsyncGenerator<Uint8Array> {
  try {
    if (size > 0) yield* file.createReadStream({ start: 0, end: size - 1, autoClose: false });
  } finally {
    await file.close();
  }
}
