import { createXai } from "@ai-sdk/xai";
import { connection, type OpenModel } from "../provider.ts";

export const openModel: OpenModel = (route, key, model, fetch) =>
  createXai(connection(route, key, fetch)).responses(model);
