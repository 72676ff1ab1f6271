import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { Route } from "../routes/route.ts";
import type { Secret } from "../routes/secret.ts";

export type Fetch = typeof globalThis.fetch;

/**
 * Makes the SDK's model object for one attempt, so that the attempt can watch its own traffic.
 * Everything the SDK would look up in the process's environment is given explicitly.
 */
export type OpenModel = (
  route: Route,
  key: Secret | undefined,
  model: string,
  fetch: Fetch,
) => LanguageModelV4;

/** What a provider asks for besides the defaults of its SDK. */
export function connection(route: Route, key: Secret | undefined, fetch: Fetch) {
  return {
    fetch,
    ...(key === undefined ? {} : { apiKey: key.reveal() }),
    ...(route.base_url === undefined ? {} : { baseURL: route.base_url }),
  };
}
