import { curl } from "./curl.ts";
import { go } from "./go.ts";
import type { Place } from "./place.ts";
import { python } from "./python.ts";
import { rust } from "./rust.ts";
import { typescript } from "./typescript.ts";

export interface Language {
  name: string;
  /** A program that hands work to a session; where the language can, it waits for the answer. */
  write: (place: Place) => string;
}

/** 08, "Use via SDK". TypeScript has an SDK of this daemon's; the others speak HTTP with what they have. */
export const LANGUAGES = [
  { name: "TypeScript", write: typescript },
  { name: "Python", write: python },
  { name: "Go", write: go },
  { name: "Rust", write: rust },
  { name: "curl", write: curl },
] as const satisfies readonly Language[];
