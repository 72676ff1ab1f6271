import type { Endpoint } from "./endpoints/index.ts";
import type { Verb } from "./tokens.ts";

/** The parts of a request that say what it is about. */
export interface ResourceRequest {
  params: Readonly<Record<string, string>>;
  query: unknown;
  body: unknown;
}

/** What a named token needs for an endpoint; undefined where nobody is asked for a token, or any will do. */
export function verbOf({ method, path, access, verb }: Endpoint): Verb | undefined {
  if (access === "none" || access === "known") return undefined;
  if (verb !== undefined) return verb;
  if (method === "GET") return access === "read" ? "read" : "admin";
  return path.startsWith("/v1/runtime") ? "admin" : "write";
}

/**
 * The resources a request is about; a grant for one of them is enough. It is the path behind `/v1/` (or `/`), and, where the
 * caller narrowed a list to one item, that item's. Values are percent-encoded, so that an id is one segment.
 */
export function resourcesOf(endpoint: Endpoint, request: ResourceRequest): string[] {
  const narrowed = (endpoint.narrowed ?? []).flatMap(({ from, field, resource }) => {
    const value = memberOf(request[from], field);
    return value === undefined ? [] : [filled(resource, { [field]: value })];
  });
  return [filled(endpoint.path.replace(/^\/(?:v1\/)?/, ""), request.params), ...narrowed];
}

function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\*?)(\w+)\}/g, (_, rest: string, name: string) => {
    const value = values[name] ?? "";
    return rest === "" ? encodeSegment(value) : value.split("/").map(encodeSegment).join("/");
  });
}

/** Text as one segment of a resource; a `*` in it is no wildcard. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll("*", "%2A");
}

function memberOf(value: unknown, field: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const member: unknown = Reflect.get(value, field);
  // Half a character is in no id that the daemon takes, and no path can name it.
  return typeof member === "string" && member !== "" && member.isWellFormed() ? member : undefined;
}
