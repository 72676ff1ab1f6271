import { basename, extname } from "node:path";
import type { InputAttachment } from "@kheish/contract";
import type { CliContext } from "../context.ts";
import { readNamedFile } from "./named-file.ts";

/** Local files, sent along, and assets the daemon already has, in that order. */
export async function attachmentsFrom(
  files: readonly string[],
  assets: readonly string[],
  context: CliContext,
): Promise<InputAttachment[]> {
  const inline = await Promise.all(files.map((path) => inlineAsset(path, context)));
  return [...inline, ...assets.map((id): InputAttachment => ({ type: "asset_reference", asset_id: id }))];
}

async function inlineAsset(path: string, context: CliContext): Promise<InputAttachment> {
  const bytes = await readNamedFile(path, context);
  return {
    type: "inline_asset",
    file_name: basename(path),
    media_type: mediaTypes[extname(path).toLowerCase()] ?? "application/octet-stream",
    content_base64: bytes.toString("base64"),
  };
}

/** The types that models and the daemon's extractors tell apart. */
const mediaTypes: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  ".gif": "image/gif",
  ".html": "text/html",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".md": "text/markdown",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
  ".wav": "audio/wav",
  ".webp": "image/webp",
  ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ".xml": "application/xml",
  ".yaml": "application/yaml",
  ".yml": "application/yaml",
};
