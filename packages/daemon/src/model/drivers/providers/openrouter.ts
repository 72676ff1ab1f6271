import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { connection, type OpenModel } from "../provider.ts";

// This SDK writes warnings of its own to the console; this is the switch that it documents.
Reflect.set(globalThis, "AI_SDK_LOG_WARNINGS", false);

/** `strict` is what the SDK calls the dialect with usage in streams. */
export const openModel: OpenModel = (route, key, model, fetch) =>
  createOpenRouter({ ...connection(route, key, fetch), compatibility: "strict" }).chat(model);
