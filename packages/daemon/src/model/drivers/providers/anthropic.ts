import { createAnthropic } from "@ai-sdk/anthropic";
import { connection, type OpenModel } from "../provider.ts";

export const openModel: OpenModel = (route, key, model, fetch) => {
  const betas = route.anthropic_beta_headers.join(",");
  return createAnthropic({
    ...connection(route, key, fetch),
    headers: {
      ...(route.anthropic_version === undefined ? {} : { "anthropic-version": route.anthropic_version }),
      ...(betas === "" ? {} : { "anthropic-beta": betas }),
    },
  }).languageModel(model);
};
