import { hash } from "node:crypto";

const DIGEST_SHOWN = 16;

/**
 * Where an action goes, as the audit may know it (02-R74): scheme, host and explicit port of a URL. What is no URL may
 * hold anything, and is told by a part of its SHA-256.
 */
export function urlTarget(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.host !== "") return `${url.protocol}//${url.host}`;
  return `invalid_url_sha256:${hash("sha256", text.toWellFormed(), "hex").slice(0, DIGEST_SHOWN)}`;
}
