import { z } from "zod";
import type { Clock } from "../../kernel/clock.ts";
import type { Fetch } from "../drivers/provider.ts";
import type { ModelPrices } from "../table/index.ts";
import { variable } from "./credentials.ts";
import { type Capability, factsOf } from "./drivers.ts";
import { capabilitiesOf } from "./model-facts.ts";
import { type DiscoveredModel, type Env, type Route, RouteConfigError } from "./route.ts";
import type { RouteSet } from "./route-set.ts";

export interface CataloguePorts {
  env: Env;
  fetch: Fetch;
  clock: Clock;
  /** Hears why there is no catalogue, where the daemon goes on without. */
  onFailure: (baseUrl: string, reason: string) => void;
}

type Catalogue = ReadonlyMap<string, DiscoveredModel>;

const VARIABLE = "KHEISH_OPENROUTER_MODEL_DISCOVERY";
/** A start may wait this long for facts that it can do without, and for facts that it cannot. */
const BEST_EFFORT_MS = 3_000;
const REQUIRED_MS = 30_000;

/**
 * Adds what OpenRouter's catalogue says of its models to the routes that lead there (02-R44). Without the variable only
 * the public API is asked, and a daemon starts without it too; `required` asks wherever the routes lead, and throws
 * `RouteConfigError` when nothing comes; `disabled` asks nobody. No key is sent: the catalogue is public.
 */
export async function withCatalogue(set: RouteSet, ports: CataloguePorts): Promise<RouteSet> {
  const mode = variable(ports.env, VARIABLE);
  if (mode !== undefined && mode !== "required" && mode !== "disabled") {
    throw new RouteConfigError(`${VARIABLE} must be 'required' or 'disabled', or not set.`);
  }
  const isAsked = (route: Route) =>
    route.driver === "openrouter" &&
    mode !== "disabled" &&
    (mode === "required" || route.base_url === factsOf("openrouter").builtInBaseUrl);
  const urls = new Set(set.configured.filter(isAsked).flatMap(({ base_url }) => base_url ?? []));
  const catalogues = new Map<string, Catalogue>();
  for (const url of urls) {
    const found = await fetchCatalogue(url, mode === "required", ports);
    if (found !== undefined) catalogues.set(url, found);
  }
  const enriched = (route: Route) => {
    const discovered = isAsked(route) ? catalogues.get(route.base_url ?? "") : undefined;
    if (discovered === undefined) return route;
    const known = { ...route, discovered };
    return { ...known, capabilities: capabilitiesOf(known, route.model) };
  };
  return { ...set, configured: set.configured.map(enriched) };
}

async function fetchCatalogue(
  baseUrl: string,
  isRequired: boolean,
  { fetch, clock, onFailure }: CataloguePorts,
): Promise<Catalogue | undefined> {
  const controller = new AbortController();
  const timer = clock.schedule(isRequired ? REQUIRED_MS : BEST_EFFORT_MS, () => controller.abort());
  try {
    const response = await fetch(`${baseUrl}/models`, { signal: controller.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const catalogue = readCatalogue(await response.json());
    if (catalogue.size === 0) throw new Error("it lists no model");
    return catalogue;
  } catch (error) {
    const reason = controller.signal.aborted ? "it did not answer in time" : whyNot(error);
    if (isRequired) {
      throw new RouteConfigError(`${VARIABLE}=required, and ${baseUrl}/models cannot be used: ${reason}.`);
    }
    onFailure(baseUrl, reason);
    return undefined;
  } finally {
    timer.cancel();
  }
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return error instanceof SyntaxError ? "it is not JSON" : error.message;
}

const Price = z.string().optional();
const Listing = z.object({ data: z.array(z.unknown()) });
const Entry = z.object({
  id: z.string().min(1),
  context_length: z.int().positive().nullish(),
  architecture: z
    .object({
      input_modalities: z.array(z.string()).nullish(),
      output_modalities: z.array(z.string()).nullish(),
    })
    .nullish(),
  pricing: z.object({ prompt: Price, completion: Price, input_cache_read: Price }).nullish(),
  top_provider: z
    .object({
      context_length: z.int().positive().nullish(),
      max_completion_tokens: z.int().positive().nullish(),
    })
    .nullish(),
});
type Entry = z.infer<typeof Entry>;

/** What a listing says of each model; an entry that makes no sense is left out. Pure. */
export function readCatalogue(body: unknown): Catalogue {
  const listing = Listing.safeParse(body);
  const entries = (listing.data?.data ?? []).flatMap((item) => Entry.safeParse(item).data ?? []);
  return new Map(entries.map((entry) => [entry.id, describe(entry)]));
}

function describe({ context_length, architecture, pricing, top_provider }: Entry): DiscoveredModel {
  const context = top_provider?.context_length ?? context_length;
  const output = top_provider?.max_completion_tokens;
  const prices = pricesIn(pricing);
  return {
    limits: {
      ...(context == null ? {} : { context_tokens: context }),
      ...(output == null ? {} : { max_output_tokens: output }),
    },
    ...(prices === undefined ? {} : { prices }),
    capabilities: capabilitiesIn(architecture),
  };
}

function capabilitiesIn(architecture: Entry["architecture"]): Capability[] {
  const takes = (kind: string) => architecture?.input_modalities?.includes(kind) ?? false;
  const makesImages = architecture?.output_modalities?.includes("image") ?? false;
  return [
    ...(takes("image") || takes("file") ? (["multimodal_input"] as const) : []),
    ...(makesImages ? (["image_generation"] as const) : []),
    ...(makesImages && takes("image") ? (["image_edit"] as const) : []),
  ];
}

function pricesIn(pricing: Entry["pricing"]): ModelPrices | undefined {
  const input = microPerMillion(pricing?.prompt);
  const output = microPerMillion(pricing?.completion);
  const cached = microPerMillion(pricing?.input_cache_read);
  if (input === undefined || output === undefined) return undefined;
  return { input, output, ...(cached === undefined ? {} : { cached_input: cached }) };
}

/** From US dollars for one token. A price that depends on what is routed to is given as a negative one. */
function microPerMillion(dollars: string | undefined): number | undefined {
  const value = dollars === undefined || dollars.trim() === "" ? Number.NaN : Number(dollars);
  return Number.isFinite(value) && value >= 0 ? Math.round(value * 1e12) : undefined;
}
