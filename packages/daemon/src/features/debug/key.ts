import { type MasterKey, masterKeyOf } from "../../governance/secrets/index.ts";

/** Where something comes from that is given inline or as a file, as the process has it. */
export interface TextSource {
  inline?: string | undefined;
  file?: string | undefined;
  readFile: (path: string) => Promise<string>;
}

/** `key` is absent where there is none, and evidence is kept as it is. */
export type DebugKey = { ok: true; key?: MasterKey } | { ok: false; why: string };

const KEY_BYTES = 32;

/** Read anew each time, like a token file (02-R95). */
export async function readDebugKey({ inline, file, readFile }: TextSource): Promise<DebugKey> {
  if (inline === undefined && file === undefined) return { ok: true };
  if (inline !== undefined && file !== undefined)
    return { ok: false, why: "it is given inline and as a file" };
  const text = inline ?? (await readFile(file ?? "").catch(() => undefined));
  if (text === undefined) return { ok: false, why: "its file cannot be read" };
  const bytes = keyIn(text.trim());
  if (bytes !== undefined) return { ok: true, key: masterKeyOf(bytes) };
  return { ok: false, why: `it must be ${KEY_BYTES} bytes, as base64, hex or raw text` };
}

function keyIn(text: string): Uint8Array | undefined {
  const base64 = /^[\w+/-]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
  if (base64?.length === KEY_BYTES) return base64;
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  return Buffer.byteLength(text) === KEY_BYTES ? Buffer.from(text) : undefined;
}
