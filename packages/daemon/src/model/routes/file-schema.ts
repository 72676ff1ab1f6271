import { FallbackTrigger } from "@kheish/contract";
import { z } from "zod";
import { DRIVER_NAMES } from "./drivers.ts";

const Text = z.string().min(1);
/** A blank key or variable name is a mistake, not a key. */
const NotBlank = z.string().refine((text) => text.trim() !== "", "must not be empty");

const Tokens = z.int().positive();
/** Micro-USD for a million tokens. */
const Price = z.int().nonnegative();
const TokenPrices = { input: Price, output: Price, cached_input: Price.optional() };

export const RouteTable = z.strictObject({
  driver: z.enum(DRIVER_NAMES),
  default_model: Text.optional(),
  model_support: z.enum(["family", "any"]).default("family"),
  base_url: Text.optional(),
  auth_ref: NotBlank.refine((text) => text === text.trim(), "must not begin or end with a space").optional(),
  api_key: NotBlank.optional(),
  api_key_env: NotBlank.optional(),
  unauthenticated: z.boolean().optional(),
  openai_auth_source: z.enum(["api_key", "codex"]).optional(),
  openai_auth_file: NotBlank.optional(),
  anthropic_auth_source: z.enum(["api_key", "claude_code"]).optional(),
  anthropic_credentials_file: NotBlank.optional(),
  organization: Text.optional(),
  organization_env: Text.optional(),
  project: Text.optional(),
  project_env: Text.optional(),
  anthropic_version: Text.optional(),
  anthropic_beta_headers: z.array(Text).optional(),
  multimodal_input: z.boolean().optional(),
  native_web_search: z.boolean().optional(),
  image_generation: z.boolean().optional(),
  image_edit: z.boolean().optional(),
  audio_generation: z.boolean().optional(),
  transcription: z.boolean().optional(),
  fallback: z.array(NotBlank).min(1).optional(),
  fallback_on: z.array(FallbackTrigger).min(1).optional(),
  timeout_ms: z.int().positive().optional(),
  inactivity_timeout_ms: z.int().positive().optional(),
  prices: z
    .strictObject({
      ...TokenPrices,
      long_context: z.strictObject({ above_input_tokens: Tokens, ...TokenPrices }).optional(),
    })
    .optional(),
  limits: z
    .strictObject({ context_tokens: Tokens.optional(), max_output_tokens: Tokens.optional() })
    .optional(),
});
export type RouteTable = z.output<typeof RouteTable>;

export const RoutesFile = z.strictObject({
  version: z.literal(1).default(1),
  default_route: Text.optional(),
  routes: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});

/** Of two keys that say the same thing only one may be given (02-R21). */
export const EXCLUSIVE_KEYS = [
  ["auth_ref", "api_key"],
  ["auth_ref", "api_key_env"],
  ["api_key", "api_key_env"],
  ["auth_ref", "openai_auth_source"],
  ["auth_ref", "openai_auth_file"],
  ["auth_ref", "anthropic_auth_source"],
  ["auth_ref", "anthropic_credentials_file"],
  ["auth_ref", "unauthenticated"],
  ["api_key", "unauthenticated"],
  ["api_key_env", "unauthenticated"],
  ["organization", "organization_env"],
  ["project", "project_env"],
] as const satisfies readonly (readonly (keyof RouteTable)[])[];

/** Keys that mean something to one driver only. */
export const DRIVER_KEYS = {
  openai_compatible: ["unauthenticated"],
  openai: [
    "openai_auth_source",
    "openai_auth_file",
    "organization",
    "organization_env",
    "project",
    "project_env",
  ],
  anthropic: [
    "anthropic_auth_source",
    "anthropic_credentials_file",
    "anthropic_version",
    "anthropic_beta_headers",
  ],
} as const satisfies Partial<Record<RouteTable["driver"], readonly (keyof RouteTable)[]>>;
