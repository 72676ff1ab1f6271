import { z } from "zod";
import { Millis } from "./json.ts";
import { QueryNumber } from "./pagination.ts";
import { FallbackTrigger } from "./runs.ts";
import { ResolvedModelRoute, StatusWarning } from "./runtime.ts";

const expected_revision = z
  .int()
  .nonnegative()
  .optional()
  .describe("refuse unless the added routes are at this revision");
const reason = z.string().max(1_000).optional().describe("kept in the journal");

/** A route that is added to a running daemon (02-R38); keys as in the routes file. */
export const AddRouteRequest = z
  .strictObject({
    route_id: z.string(),
    provider: z.string().describe("driver; `gemini` is google, `grok` is xai"),
    model: z.string().min(1),
    api_key: z
      .string()
      .min(1)
      .optional()
      .describe("kept in the slot `routes.<route_id>.api_key`, never shown"),
    auth_ref: z.string().optional().describe("an existing slot, in place of a key"),
    base_url: z.string().optional(),
    model_support: z.string().optional(),
    unauthenticated: z.boolean().optional(),
    multimodal_input: z.boolean().optional(),
    native_web_search: z.boolean().optional(),
    image_generation: z.boolean().optional(),
    image_edit: z.boolean().optional(),
    audio_generation: z.boolean().optional(),
    transcription: z.boolean().optional(),
    timeout_ms: z.int().optional(),
    inactivity_timeout_ms: z.int().optional(),
    expected_revision,
    reason,
  })
  .meta({ id: "AddRouteRequest" });
export type AddRouteRequest = z.infer<typeof AddRouteRequest>;

export const RemoveRouteQuery = z.object({
  expected_revision: QueryNumber.optional().describe("refuse unless the added routes are at this revision"),
  reason: z.string().optional(),
});

export const RoutePrices = z
  .object({
    input: z.int(),
    output: z.int(),
    cached_input: z.int().optional(),
    long_context: z
      .object({
        above_input_tokens: z.int(),
        input: z.int(),
        output: z.int(),
        cached_input: z.int().optional(),
      })
      .optional(),
  })
  .describe("micro-USD for a million tokens");

export const RouteView = ResolvedModelRoute.extend({
  active: z.boolean().describe("the default route"),
  origin: z.enum(["configured", "overlay", "builtin"]),
  model_support: z.enum(["family", "any"]),
  base_url: z.string().optional(),
  fallback: z.array(z.string()).optional(),
  fallback_on: z.array(FallbackTrigger).optional(),
  timeout_ms: z.int().optional().describe("for one call as a whole; absent = no limit"),
  inactivity_timeout_ms: z.int().optional().describe("between two pieces of an answer; absent = no limit"),
  context_tokens: z.int().optional().describe("of the route's model; absent when unknown"),
  max_output_tokens: z.int().optional(),
  prices: RoutePrices.optional().describe("of the route's model; absent when unknown"),
  state: z.string(),
  code: z.string(),
  message: z.string(),
  action: z.string().optional(),
}).meta({ id: "RouteView" });
export type RouteView = z.infer<typeof RouteView>;

/** What this daemon loaded, and when (02, Route inventory metadata). */
export const RouteInventoryMetadata = z
  .object({
    version: z.literal(1),
    source_kind: z.enum(["routes_file", "serve_args"]),
    routes_file_path: z.string().optional(),
    routes_file_sha256: z.string().optional(),
    loaded_at_ms: Millis,
    default_route: z.string().optional(),
    route_ids: z.array(z.string()),
  })
  .meta({ id: "RouteInventoryMetadata" });
export type RouteInventoryMetadata = z.infer<typeof RouteInventoryMetadata>;

export const RouteListView = z
  .object({
    revision: z.int().describe("of the routes added at run time; 0 = none was ever added"),
    inventory: RouteInventoryMetadata,
    routes: z.array(RouteView).describe("default first"),
    diagnostics: z.array(StatusWarning),
  })
  .meta({ id: "RouteListView" });
export type RouteListView = z.infer<typeof RouteListView>;

export const ReloadRoutesRequest = z
  .strictObject({
    dry_run: z.boolean().default(false).describe("answer the difference and change nothing"),
    reason,
  })
  .meta({ id: "ReloadRoutesRequest" });
export type ReloadRoutesRequest = z.infer<typeof ReloadRoutesRequest>;

export const RouteReloadResult = z
  .object({
    applied: z.boolean(),
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.object({ route_id: z.string(), fields: z.array(z.string()) })),
    default_route: z.object({ before: z.string().optional(), after: z.string().optional() }),
    stranded_run_ids: z
      .array(z.string())
      .describe("unfinished runs whose route goes away or becomes another driver's: they fail (02-R37)"),
    inventory: RouteInventoryMetadata,
  })
  .meta({ id: "RouteReloadResult" });
export type RouteReloadResult = z.infer<typeof RouteReloadResult>;
