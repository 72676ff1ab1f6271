import type { MediaType, TextKind } from "./media-type.ts";

/** How far into a page its own word for its encoding is looked for (WHATWG: 1024 bytes). */
const PRESCAN_BYTES = 1_024;
const DECLARED: Partial<Record<TextKind, RegExp>> = {
  html: /<meta[^>]{0,500}?charset\s*=\s*["']?\s*([a-z0-9_:.-]+)/i,
  xml: /^<\?xml[^>]{0,500}?encoding\s*=\s*["']([a-z0-9_:.-]+)["']/i,
};

/**
 * Text of a body: by its byte order mark, else by the charset of its header, else by what the page says of itself, else
 * as UTF-8. An encoding that nobody knows is taken for UTF-8. What is no character becomes U+FFFD; one that was cut off
 * at the end is left out.
 */
export function decodeText(bytes: Uint8Array, { charset }: MediaType, kind: TextKind): string {
  const decoder =
    bomOf(bytes) ?? decoderOf(charset) ?? decoderOf(declaredIn(bytes, kind)) ?? new TextDecoder();
  // As a stream that goes on, the decoder keeps an unfinished character to itself.
  return decoder.decode(bytes, { stream: true });
}

function bomOf(bytes: Uint8Array): TextDecoder | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return new TextDecoder("utf-8");
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be");
  return first === 0xff && second === 0xfe ? new TextDecoder("utf-16le") : undefined;
}

function decoderOf(label: string | undefined): TextDecoder | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

/** A page whose markup can be read as ASCII is not in UTF-16, whatever it says. */
function declaredIn(bytes: Uint8Array, kind: TextKind): string | undefined {
  const head = Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString("latin1");
  const label = DECLARED[kind]?.exec(head)?.[1];
  return label?.toLowerCase().startsWith("utf-16") === true ? undefined : label;
}
