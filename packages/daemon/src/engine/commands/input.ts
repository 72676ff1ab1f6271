import {
  type AttachmentRef,
  type InputAttachment,
  type InputItem,
  type Json,
  type JsonObject,
  problem,
  type SubmitInputRequest,
} from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import type { UserPart } from "../messages.ts";

/** Keys that belong to the daemon: these refuse a submission … (01-R20). */
const REFUSED_METADATA = ["daemon", "flow", "kheish_flow"];
/** … and these are taken out of it without a word, as old clients expect. */
const STRIPPED_METADATA = [
  "learned_context",
  "recovered_memory",
  "skill_state",
  "visible_skills",
  "output_contract",
];

/** Check (1) of 01-R20. */
export function checkMetadata({ metadata }: SubmitInputRequest): void {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return;
  const reserved = REFUSED_METADATA.find((name) => Object.hasOwn(metadata, name));
  if (reserved !== undefined) {
    throw problem("runs", "metadata_reserved", `metadata key '${reserved}' is reserved for the daemon`);
  }
}

/** Checks (3) and (4) of 01-R20. */
export function checkContent(request: SubmitInputRequest): void {
  const hasContent = request.content.trim() !== "";
  const hasItems = request.input_items.length > 0;
  const hasAttachments = request.attachments.length > 0;
  if (!hasContent && !hasItems && !hasAttachments) {
    throw problem("runs", "input_empty", "send content, input_items or attachments");
  }
  if (hasItems && (hasContent || hasAttachments)) {
    throw problem(
      "runs",
      "input_ambiguous",
      "input_items cannot be combined with content or attachments; put the text into an item",
    );
  }
}

export function cleanMetadata(metadata: Json | null | undefined): Json | undefined {
  if (metadata === null || metadata === undefined) return undefined;
  if (typeof metadata !== "object" || Array.isArray(metadata)) return metadata;
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (!STRIPPED_METADATA.includes(name)) kept[name] = value;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** An inline file, decoded but not yet stored. */
interface DecodedFile {
  file_name: string;
  media_type: string;
  bytes: Uint8Array;
}
export type DecodedPart = { type: "text"; text: string } | { type: "file"; file: DecodedFile };

/** Check (5) of 01-R20, without side effects: nothing is stored before everything is valid (01, weakness 14). */
export function decodeInput(request: SubmitInputRequest): DecodedPart[] {
  if (request.input_items.length > 0) {
    return request.input_items.map((item, index) => decodeItem(item, `/input_items/${index}`));
  }
  const text: DecodedPart[] = request.content === "" ? [] : [{ type: "text", text: request.content }];
  return [...text, ...request.attachments.map((item, index) => decodeItem(item, `/attachments/${index}`))];
}

function decodeItem(item: InputItem | InputAttachment, path: string): DecodedPart {
  const invalid = (message: string) =>
    problem("runs", "input_item_invalid", `${path}: ${message}`, { errors: [{ path, message }] });
  switch (item.type) {
    case "text":
      return item;
    case "inline_asset": {
      if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(item.content_base64))
        throw invalid("content_base64 is not base64");
      const bytes = Buffer.from(item.content_base64, "base64");
      if (bytes.byteLength === 0) throw invalid("content_base64 holds no bytes");
      return { type: "file", file: { file_name: item.file_name, media_type: item.media_type, bytes } };
    }
    case "asset_reference":
      throw invalid(`no asset '${item.asset_id}'; send the file as inline_asset`);
    case "board_reference":
      throw invalid("boards are not available in this version");
  }
}

/** Stores the files; content-addressed, so a repetition or a later refusal leaves nothing wrong. */
export async function storeParts(
  blobs: Blobs,
  parts: readonly DecodedPart[],
): Promise<{ parts: UserPart[]; attachments: AttachmentRef[] }> {
  const stored: UserPart[] = [];
  const attachments: AttachmentRef[] = [];
  for (const part of parts) {
    if (part.type === "text") {
      stored.push(part);
      continue;
    }
    const { file_name, media_type, bytes } = part.file;
    const { sha256, sizeBytes } = await blobs.put(bytes);
    stored.push({ type: "file", sha256, media_type, file_name, size_bytes: sizeBytes });
    attachments.push({ id: `asset-${sha256.slice(0, 32)}`, media_type, file_name });
  }
  return { parts: stored, attachments };
}
