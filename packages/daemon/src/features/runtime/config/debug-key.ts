import { problem } from "@kheish/contract";
import type { Snapshot } from "./revision.ts";

/** Where the key comes from that debug evidence is encrypted with, as the process has it. */
export interface DebugKeySource {
  inline?: string | undefined;
  file?: string | undefined;
  readFile: (path: string) => Promise<string>;
}

const KEY_BYTES = 32;

/** Why the key cannot be used; undefined when it can, or when there is none. Read anew each time, like a token file. */
export async function debugKeyFault({ inline, file, readFile }: DebugKeySource): Promise<string | undefined> {
  if (inline === undefined && file === undefined) return undefined;
  if (inline !== undefined && file !== undefined) return "it is given inline and as a file";
  const text = inline ?? (await readFile(file ?? "").catch(() => undefined));
  if (text === undefined) return "its file cannot be read";
  return isKey(text.trim()) ? undefined : `it must be ${KEY_BYTES} bytes, as base64, hex or raw text`;
}

function isKey(text: string): boolean {
  const base64 = /^[\w+/-]+={0,2}$/.test(text) && Buffer.from(text, "base64").length === KEY_BYTES;
  return base64 || /^[0-9a-fA-F]{64}$/.test(text) || Buffer.byteLength(text) === KEY_BYTES;
}

/** Evidence that could not be encrypted as asked is not begun (02-R95). */
export async function checkDebugLevel(
  now: Snapshot,
  next: Snapshot,
  fault: () => Promise<string | undefined>,
): Promise<void> {
  if (next.debug_level === "off" || next.debug_level === now.debug_level) return;
  const why = await fault();
  if (why === undefined) return;
  const detail = `the key of KHEISH_DEBUG_CAPTURE_KEY[_FILE] cannot be used: ${why}; mend it or leave the level off`;
  throw problem("runtime", "debug_capture_key_invalid", detail);
}
