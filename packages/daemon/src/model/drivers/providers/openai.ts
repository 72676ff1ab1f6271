import { createOpenAI } from "@ai-sdk/openai";
import { connection, type OpenModel } from "../provider.ts";

/** Through the Responses API: it is the one that carries reasoning from turn to turn. */
export const openModel: OpenModel = (route, key, model, fetch) =>
  createOpenAI({
    ...connection(route, key, fetch),
    ...(route.organization === undefined ? {} : { organization: route.organization }),
    ...(route.project === undefined ? {} : { project: route.project }),
  }).responses(model);
