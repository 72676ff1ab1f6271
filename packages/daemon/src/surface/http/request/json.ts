import { problem } from "@kheish/contract";
import { jsonPointer } from "./json-pointer.ts";
import { jsonErrorPosition } from "./json-position.ts";

/** Validators and clients recurse; nothing we accept comes near. */
const MAX_DEPTH = 128;

/** The JSON document in these bytes; refusals name the place and never quote the text. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  const value = parse(text);
  refuseHostileShapes(value);
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem("api", "malformed_json", "the body is not UTF-8");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { line, column } = jsonErrorPosition(text);
    throw problem("api", "malformed_json", `the body is not JSON: see line ${line}, column ${column}`);
  }
}

interface Level {
  entries: Iterator<[PropertyKey, unknown]>;
  /** Where the walk stands in this container. */
  key: PropertyKey;
}

/**
 * Refuses documents that are nested too deeply or hold a key `__proto__`.
 * Such a key is plain data here, but one careless assignment further in would make it a prototype.
 * The walk holds one level per nesting, whatever the document's size.
 */
function refuseHostileShapes(document: unknown): void {
  const levels = isContainer(document) ? [enter(document)] : [];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const next = level.entries.next();
    if (next.done) {
      levels.pop();
      continue;
    }
    const [key, value] = next.value;
    level.key = key;
    if (key === "__proto__")
      throw refused(
        levels.map((at) => at.key),
        "this key is not accepted",
      );
    if (!isContainer(value)) continue;
    if (levels.length === MAX_DEPTH) throw refused([], `nested deeper than ${MAX_DEPTH} levels`);
    levels.push(enter(value));
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function enter(container: object): Level {
  const entries = Array.isArray(container) ? container.entries() : Object.entries(container).values();
  return { entries, key: "" };
}

function refused(path: readonly PropertyKey[], message: string) {
  const pointer = jsonPointer(path);
  const detail = `the body is not acceptable: ${path.length === 0 ? "" : `${pointer}: `}${message}`;
  return problem("api", "request_body_invalid", detail, { errors: [{ path: pointer, message }] });
}
