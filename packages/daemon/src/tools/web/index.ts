import type { ModelPort, Tool } from "../../engine/ports.ts";
import { duckduckgo } from "./duckduckgo.ts";
import { nativeSearch } from "./native-search.ts";
import { searxng } from "./searxng.ts";
import { type WebOptions, webFetchTool } from "./web-fetch.ts";
import { webSearchTool } from "./web-search.ts";

export interface WebToolsOptions extends WebOptions {
  /** Whose providers search; absent: none does. */
  models?: ModelPort;
  /** What searches where the provider does not: nothing, DuckDuckGo, or a SearXNG at a URL. */
  localSearch: "none" | "duckduckgo" | URL;
}

/** The tools that reach the web. */
export function webTools({ models, localSearch, ...options }: WebToolsOptions): Tool[] {
  const local =
    localSearch === "none"
      ? {}
      : { local: localSearch === "duckduckgo" ? duckduckgo(options) : searxng(localSearch, options) };
  const { allow } = options;
  return [
    webFetchTool(options),
    webSearchTool({
      ...local,
      ...(models === undefined ? {} : { native: nativeSearch(models, options.record) }),
      ...(allow === undefined ? {} : { policy: { allow } }),
    }),
  ];
}
