import type { Message } from "../../engine/messages.ts";
import type { Blobs } from "../../kernel/blobs.ts";

export type FileBytes = ReadonlyMap<string, Uint8Array>;

const TEXT_TYPES = /^text\/|^application\/(json|xml|yaml|x-yaml|toml|javascript|x-sh|sql|.*\+(json|xml))$/;

/** Files that any model can read as words. */
export function isText(mediaType: string): boolean {
  return TEXT_TYPES.test(mediaType);
}

/** The bytes of the attached files that `wanted` picks; one that the store lost is left out. */
export async function loadFiles(
  messages: readonly Message[],
  blobs: Blobs,
  wanted: (mediaType: string) => boolean,
): Promise<FileBytes> {
  const files = new Map<string, Uint8Array>();
  for (const message of messages) {
    if (message.role !== "user") continue;
    for (const part of message.parts) {
      if (part.type !== "file" || files.has(part.sha256) || !wanted(part.media_type)) continue;
      const content = await blobs.read(part.sha256);
      if (content !== undefined) files.set(part.sha256, await collect(content));
    }
  }
  return files;
}

async function collect(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
