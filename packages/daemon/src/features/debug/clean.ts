import type { Json } from "@kheish/contract";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import type { EvidenceContent } from "../../model/index.ts";
import { mapStrings, outline, outlineText } from "./outline.ts";

/** Of a text that was cut, the end may be the beginning of a secret: no secret is as long as this. */
export const UNSURE_BYTES = 65_536;

/** Without secrets (02-R93); without words, where only their shape is wanted. */
export function cleaned(content: EvidenceContent, level: "redacted" | "full", redactor: Redactor): string {
  if (content.format === "text") {
    const clean = redactor.foreignText(content.text);
    return level === "full" ? clean : outlineText(clean);
  }
  // As it would be sent: what has no JSON is left out.
  const value = JSON.parse(JSON.stringify(content.value)) as Json;
  const shown = mapStrings(level === "full" ? value : outline(value), (text) => redactor.foreignText(text));
  return JSON.stringify(shown, null, 2);
}

/** At most so many bytes of it, whole characters; and how many there were, when some are missing (01-R102). */
export function cut(
  text: string,
  content: EvidenceContent,
  mostBytes: number,
): { kept: string; originalBytes?: number } {
  const bytes = Buffer.from(text);
  const missing = content.format === "text" ? content.missing : 0;
  const limit = missing > 0 ? Math.min(mostBytes, Math.max(0, bytes.length - UNSURE_BYTES)) : mostBytes;
  if (bytes.length <= limit) return { kept: text };
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const kept = decoder.decode(bytes.subarray(0, limit), { stream: true });
  return { kept, originalBytes: bytes.length + missing };
}
