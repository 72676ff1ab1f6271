import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { connection, type OpenModel } from "../provider.ts";

/** Without a key no `Authorization` header is sent: local servers need none. */
export const openModel: OpenModel = (route, key, model, fetch) =>
  createOpenAICompatible({
    ...connection(route, key, fetch),
    name: "openaiCompatible",
    baseURL: route.base_url ?? "",
    includeUsage: true,
    supportsStructuredOutputs: true,
  }).chatModel(model);
