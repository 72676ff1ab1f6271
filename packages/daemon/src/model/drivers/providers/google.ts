import { createGoogle } from "@ai-sdk/google";
import { connection, type OpenModel } from "../provider.ts";

export const openModel: OpenModel = (route, key, model, fetch) =>
  createGoogle(connection(route, key, fetch)).languageModel(model);
