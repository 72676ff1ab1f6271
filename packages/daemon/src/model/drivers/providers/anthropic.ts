import { createAnthropic } from "@ai-sdk/anthropic";
import { connection, type OpenModel } from "../provider.ts";

/** What lets an account's token in (02-R59). */
const ACCOUNT_BETA = "oauth-2025-04-20";

export const openModel: OpenModel = (route, key, model, fetch) => {
  const isAccount = route.account !== undefined;
  const betas = [...route.anthropic_beta_headers, ...(isAccount ? [ACCOUNT_BETA] : [])].join(",");
  const { apiKey, ...rest } = connection(route, key, fetch);
  return createAnthropic({
    ...rest,
    ...(apiKey === undefined ? {} : isAccount ? { authToken: apiKey } : { apiKey }),
    headers: {
      ...(route.anthropic_version === undefined ? {} : { "anthropic-version": route.anthropic_version }),
      ...(betas === "" ? {} : { "anthropic-beta": betas }),
    },
  }).languageModel(model);
};
