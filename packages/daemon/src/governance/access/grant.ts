import type { Verb } from "@kheish/contract";
import { covers } from "./resource-glob.ts";

/** What a named token may do, and until when. */
export interface Grant {
  tokenId: string;
  verbs: readonly Verb[];
  resources: readonly string[];
  /** Absent: until it is revoked. */
  expiresAtMs?: number;
}

export type Authority = Pick<Grant, "verbs" | "resources" | "expiresAtMs">;

/** A grant for one of a request's resources is enough: they are names of the same thing, or parts of each other. */
export function grantsResource(grant: Authority, resources: readonly string[]): boolean {
  return grant.resources.some((glob) => resources.some((resource) => covers(glob, resource)));
}

/** In what the inner authority is wider than the outer one; undefined when it is nowhere. */
export function widerIn(outer: Authority, inner: Authority): "verbs" | "resources" | "expiry" | undefined {
  if (!inner.verbs.every((verb) => outer.verbs.includes(verb))) return "verbs";
  const covered = (glob: string) => outer.resources.some((one) => covers(one, glob));
  if (!inner.resources.every(covered)) return "resources";
  const outlives =
    outer.expiresAtMs !== undefined &&
    (inner.expiresAtMs === undefined || inner.expiresAtMs > outer.expiresAtMs);
  return outlives ? "expiry" : undefined;
}
