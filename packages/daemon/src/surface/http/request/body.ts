import { type Endpoint, genericProblem, isProblem, problem } from "@kheish/contract";
import { parseJson } from "./json.ts";
import { validateBody } from "./validation.ts";

/** The validated body of a request, or undefined where the endpoint takes none. */
export async function readBody(request: Request, endpoint: Endpoint, limitBytes: number): Promise<unknown> {
  if (endpoint.body === undefined) return undefined;
  if (!hasBody(request.headers)) return validateBody(endpoint.body, absentBody(endpoint));
  checkEncoding(request.headers.get("content-encoding"));
  checkMediaType(request.headers.get("content-type"));
  const bytes = await readBytes(request, limitBytes);
  const value = bytes.length === 0 ? absentBody(endpoint) : parseJson(bytes);
  return validateBody(endpoint.body, value);
}

function hasBody(headers: Headers): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
}

function absentBody(endpoint: Endpoint): unknown {
  if (endpoint.bodyOptional) return {};
  throw problem("api", "malformed_json", "the request has no body; this endpoint needs a JSON document");
}

function checkEncoding(header: string | null): void {
  if (header !== null && header.trim().toLowerCase() !== "identity")
    throw problem("api", "unsupported_media_type", "send the body without content-encoding");
}

const JSON_TYPE = /^application\/(?:json|[\w.+-]+\+json)$/;
const UTF8_CHARSET = /^(?:utf-?8|us-ascii)$/;

/** A client that forgot to name its JSON is understood; one that names something else is not. */
function checkMediaType(header: string | null): void {
  if (header === null) return;
  const [type = "", ...parameters] = header
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  const readable = charset === undefined || UTF8_CHARSET.test(charset.replaceAll('"', ""));
  if (!JSON_TYPE.test(type) || !readable)
    throw problem("api", "unsupported_media_type", "send the body as application/json in UTF-8");
}

/** Node's parser enforces a declared length, so only a body of unknown length is counted as it arrives. */
async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > limitBytes) throw tooLarge(limitBytes);
  try {
    if (declared === null) return await readCounted(request.body, limitBytes);
    return new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    if (isProblem(error)) throw error;
    throw genericProblem(400, "the connection ended before the body did");
  }
}

async function readCounted(body: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.length;
    if (length > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(limitBytes: number) {
  return problem("api", "payload_too_large", `the body is larger than ${limitBytes} bytes`);
}
