import type { JsonObject, ModelGenerationConfig } from "@kheish/contract";
import type { SearchLimits } from "../../engine/ports.ts";
import type { DriverName } from "../routes/drivers.ts";

export type ProviderName = Exclude<DriverName, "simulator">;

type Reasoning = NonNullable<ModelGenerationConfig["reasoning"]>;

/** Where a provider's SDK differs from the others, in one table. */
export interface Quirks {
  /** The SDK's name for this provider in options and metadata. */
  namespace: string;
  /** Attachments that the API reads as they are; others are described in words. */
  media: RegExp;
  /** The output limit is a required field, and the SDK's default leaves too little room for the input. */
  needsOutputLimit?: true;
  /** A system prompt and last message marked for the provider's prompt cache. */
  cacheMark?: JsonObject;
  /** Ids of calls are letters, digits, `_` and `-` only; other providers, whose calls may be shown here, have more. */
  plainCallIds?: true;
  /** A conversation with calls in it goes wrong without declared tools, also where none may be called. */
  declaresPastTools?: true;
  /** Tools are strict unless we say otherwise, and strict schemas allow no optional property. */
  toolsAreStrictByDefault?: true;
  /** The end of a stream always carries the provider's word for it; the Responses API has none for a good end. */
  namesItsEnd: boolean;
  /** Options that every request carries. */
  always?: JsonObject;
  /** How to allow one call at a time; absent: the provider cannot. */
  oneCallAtATime?: JsonObject;
  /** How to ask for a JSON schema to be followed loosely; absent: there is only one way. */
  looseSchema?: JsonObject;
  /** The SDK maps reasoning effort itself, model by model. */
  mapsEffort: boolean;
  /** What else is said about reasoning. */
  reasoning(reasoning: Reasoning): JsonObject;
  /** The provider's own search of the web; absent: it has none that is used (02-R42). */
  search?: (limits: SearchLimits) => ProviderSearch;
}

/** As the SDK declares it. `args` narrow the search where the provider can; what it finds is filtered again. */
export interface ProviderSearch {
  id: `${string}.${string}`;
  args: JsonObject;
}

/** Searches that a provider may make for one question. */
const MAX_SEARCHES = 3;
/** Of a list of domains; xAI takes no more, and the others would not be narrowed by more. */
const MAX_XAI_DOMAINS = 5;

/** Anthropic and xAI take one list or the other; the filter behind them knows both. */
function oneList(
  { allowed_domains: allowed, blocked_domains: blocked }: SearchLimits,
  names: { allowed: string; blocked: string },
  most = Number.POSITIVE_INFINITY,
): JsonObject {
  if (allowed.length > 0) return allowed.length > most ? {} : { [names.allowed]: [...allowed] };
  return blocked.length === 0 ? {} : { [names.blocked]: blocked.slice(0, most) };
}

export const QUIRKS: Record<ProviderName, Quirks> = {
  anthropic: {
    namespace: "anthropic",
    media: /^(image\/(jpeg|png|gif|webp)|application\/pdf)$/,
    needsOutputLimit: true,
    cacheMark: { cacheControl: { type: "ephemeral" } },
    plainCallIds: true,
    declaresPastTools: true,
    namesItsEnd: true,
    oneCallAtATime: { disableParallelToolUse: true },
    mapsEffort: true,
    reasoning: ({ budget_tokens, interleaved }) => ({
      ...(budget_tokens === undefined ? {} : { thinking: { type: "enabled", budgetTokens: budget_tokens } }),
      // Models from 4.6 on interleave by themselves and ignore the header.
      ...(interleaved === true ? { anthropicBeta: ["interleaved-thinking-2025-05-14"] } : {}),
    }),
    // The version that every model of the family knows.
    search: (limits) => ({
      id: "anthropic.web_search_20250305",
      args: {
        maxUses: MAX_SEARCHES,
        ...oneList(limits, { allowed: "allowedDomains", blocked: "blockedDomains" }),
      },
    }),
  },
  openai: {
    namespace: "openai",
    media: /^(image\/(jpeg|png|gif|webp)|application\/pdf)$/,
    toolsAreStrictByDefault: true,
    namesItsEnd: false,
    // Nothing is kept at the provider: reasoning goes back and forth encrypted.
    always: { store: false },
    oneCallAtATime: { parallelToolCalls: false },
    looseSchema: { strictJsonSchema: false },
    mapsEffort: true,
    reasoning: ({ summary }) =>
      summary === undefined ? {} : { reasoningSummary: summary === "none" ? null : summary },
    search: ({ allowed_domains: allowed, blocked_domains: blocked }) => ({
      id: "openai.web_search",
      args: {
        filters: {
          ...(allowed.length === 0 ? {} : { allowedDomains: [...allowed] }),
          ...(blocked.length === 0 ? {} : { blockedDomains: [...blocked] }),
        },
      },
    }),
  },
  google: {
    namespace: "google",
    media: /^(image|audio|video)\/|^application\/pdf$/,
    namesItsEnd: true,
    mapsEffort: true,
    reasoning: ({ effort, budget_tokens }) =>
      effort === "none"
        ? {}
        : {
            thinkingConfig: {
              includeThoughts: true,
              ...(budget_tokens === undefined ? {} : { thinkingBudget: budget_tokens }),
            },
          },
  },
  xai: {
    namespace: "xai",
    media: /^image\/(jpeg|png)$/,
    namesItsEnd: true,
    always: { store: false },
    oneCallAtATime: { parallelToolCalls: false },
    mapsEffort: true,
    reasoning: () => ({}),
    search: (limits) => ({
      id: "xai.web_search",
      args: {
        ...oneList(limits, { allowed: "allowedDomains", blocked: "excludedDomains" }, MAX_XAI_DOMAINS),
        ...(limits.enable_image_understanding ? { enableImageUnderstanding: true } : {}),
      },
    }),
  },
  openrouter: {
    namespace: "openrouter",
    media: /^image\/|^application\/pdf$/,
    // Amazon's models of the same families, which OpenRouter may choose, refuse such a conversation.
    declaresPastTools: true,
    namesItsEnd: true,
    always: { usage: { include: true } },
    oneCallAtATime: { parallel_tool_calls: false },
    mapsEffort: false,
    // Effort and budget exclude each other; the budget is the more exact wish.
    reasoning: ({ effort, budget_tokens }) => {
      if (budget_tokens !== undefined) return { reasoning: { max_tokens: budget_tokens } };
      return effort === undefined ? {} : { reasoning: { effort } };
    },
  },
  openai_compatible: {
    namespace: "openaiCompatible",
    media: /^image\//,
    namesItsEnd: true,
    oneCallAtATime: { parallel_tool_calls: false },
    looseSchema: { strictJsonSchema: false },
    mapsEffort: true,
    reasoning: () => ({}),
  },
};
