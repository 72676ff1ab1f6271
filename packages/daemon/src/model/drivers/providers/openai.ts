import { createOpenAI } from "@ai-sdk/openai";
import type { Route } from "../../routes/route.ts";
import { connection, type OpenModel } from "../provider.ts";

/** Through the Responses API: it is the one that carries reasoning from turn to turn. */
export const openModel: OpenModel = (route, key, model, fetch) =>
  createOpenAI({
    ...connection(route, key, fetch),
    headers: accountHeaders(route),
    ...(route.organization === undefined ? {} : { organization: route.organization }),
    ...(route.project === undefined ? {} : { project: route.project }),
  }).responses(model);

/** 02-R59. */
function accountHeaders({ account }: Route): Record<string, string> {
  if (account?.kind !== "codex_account" || account.account_id === undefined) return {};
  return { "ChatGPT-Account-ID": account.account_id };
}
