import type { Json, JsonObject } from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import { SECURITY_NOTICE } from "./descriptions.ts";
import { isObject } from "./input-schema.ts";
import { boundedJson, cutText, MCP_LIMITS } from "./json-limits.ts";

/** What a server answered to a call, as its protocol has it. */
export interface UpstreamResult {
  content?: readonly unknown[];
  structuredContent?: unknown;
  isError?: boolean | undefined;
  _meta?: unknown;
}

/**
 * A result as the run's journal and its model get it (03, `mcp__{server}__{tool}`): marked untrusted, within the limits,
 * and with media as blobs, since a cut image is worth nothing.
 */
export async function toolOutput(result: UpstreamResult, blobs: Blobs): Promise<JsonObject> {
  const content = result.content ?? [];
  const kept = content.slice(0, MCP_LIMITS.contentItems);
  return {
    untrusted: true,
    security_notice: SECURITY_NOTICE,
    content: await Promise.all(kept.map((item) => contentItem(item, blobs))),
    content_truncated: kept.length < content.length,
    original_content_items: content.length,
    structured_content: boundedJson(result.structuredContent ?? null),
    is_error: result.isError === true,
    _meta: boundedJson(result._meta ?? null),
  };
}

/** The parts of a resource, or of several. */
export async function resourceContents(contents: readonly unknown[], blobs: Blobs): Promise<Json[]> {
  const kept = contents.slice(0, MCP_LIMITS.resourceItems);
  const read = await Promise.all(
    kept.map((one) => (isObject(one) ? resource(one, blobs) : boundedJson(one))),
  );
  return kept.length < contents.length
    ? [...read, { truncated: true, original_items: contents.length }]
    : read;
}

async function contentItem(item: unknown, blobs: Blobs): Promise<Json> {
  if (!isObject(item)) return boundedJson(item);
  switch (item.type) {
    case "text":
      return { ...bounded(item, "text"), ...text(item.text) };
    case "image":
    case "audio":
      return { ...bounded(item, "data"), ...(await media(item.data, blobs)) };
    case "resource":
      return {
        ...bounded(item, "resource"),
        resource: isObject(item.resource) ? await resource(item.resource, blobs) : null,
      };
    default:
      return boundedJson(item);
  }
}

async function resource(one: JsonObject, blobs: Blobs): Promise<JsonObject> {
  const { text: said, blob, ...rest } = one;
  return {
    ...(boundedJson(rest) as JsonObject),
    ...(typeof said === "string" ? text(said) : {}),
    ...(typeof blob === "string" ? await media(blob, blobs) : {}),
  };
}

/** All but one member, which is seen to by itself. */
function bounded(item: JsonObject, without: string): JsonObject {
  const { [without]: _own, ...rest } = item;
  return boundedJson(rest) as JsonObject;
}

function text(value: unknown): JsonObject {
  if (typeof value !== "string") return { text: "" };
  return value.length <= MCP_LIMITS.text
    ? { text: value }
    : { text: cutText(value, MCP_LIMITS.text), truncated: true, original_chars: value.length };
}

async function media(base64: unknown, blobs: Blobs): Promise<JsonObject> {
  if (typeof base64 !== "string") return {};
  const { sha256, sizeBytes } = await blobs.put(Buffer.from(base64, "base64"));
  return { blob: { sha256, size_bytes: sizeBytes } };
}
