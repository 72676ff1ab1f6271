import type { ToolContext } from "../../engine/ports.ts";

/** What a search found, before anything is filtered. */
export interface Hit {
  title: string;
  url: string;
  snippet: string;
}

/** A search engine that the daemon asks itself. */
export interface SearchEngine {
  /** As results name it. */
  readonly id: string;
  /** Rejects with a `ToolFailure`. */
  search(query: string, context: ToolContext): Promise<Hit[]>;
}
