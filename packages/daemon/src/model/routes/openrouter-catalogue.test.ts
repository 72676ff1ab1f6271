import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { priceOf } from "../table/price.ts";
import { WireDouble } from "../testing/wire-double.ts";
import { loadRoutes } from "./inventory.ts";
import { limitsOf } from "./model-facts.ts";
import { readCatalogue, withCatalogue } from "./openrouter-catalogue.ts";
import { RouteConfigError } from "./route.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const PAINTER = {
  id: "acme/painter",
  context_length: 100_000,
  architecture: { input_modalities: ["text", "image"], output_modalities: ["text", "image"] },
  pricing: { prompt: "0.000003", completion: "0.000015", input_cache_read: "0.0000003" },
  top_provider: { context_length: 64_000, max_completion_tokens: 8_000 },
};
const WRITER = {
  id: "acme/writer",
  architecture: { input_modalities: ["text"], output_modalities: ["text"] },
};

/** One route to OpenRouter, at the wire double unless it is told otherwise. */
async function discovered(mode: string | undefined, options: { baseUrl?: string; overrides?: string } = {}) {
  const { baseUrl = `${wire.url}/api/v1`, overrides = "" } = options;
  const file = `[routes.or]
    driver = "openrouter"
    default_model = "acme/painter"
    api_key = "sk-or-secret"
    base_url = "${baseUrl}"
    ${overrides}`;
  const failures: string[] = [];
  const asked: string[] = [];
  const set = await withCatalogue(loadRoutes({ file, env: {} }), {
    env: mode === undefined ? {} : { KHEISH_OPENROUTER_MODEL_DISCOVERY: mode },
    fetch: (input, init) => {
      asked.push(String(input));
      if (!String(input).startsWith(wire.url)) return Promise.reject(new Error("no way out"));
      return fetch(input, init);
    },
    clock: new SimulatedClock(),
    onFailure: (_url, reason) => failures.push(reason),
  });
  const [route] = set.configured;
  if (route === undefined) throw new Error("no route");
  return { route, failures, asked };
}

describe("02-R44: discovery of OpenRouter's models", () => {
  test("required: limits, prices and capabilities are the catalogue's, and no key is sent for them", async () => {
    wire.plan({ status: 200, body: { data: [PAINTER, WRITER, { id: 7 }] } });
    const { route } = await discovered("required");
    expect(wire.requests).toMatchObject([{ path: "/api/v1/models" }]);
    expect(wire.requests[0]?.headers).not.toHaveProperty("authorization");
    expect(route.capabilities).toMatchObject({
      multimodal_input: true,
      image_generation: true,
      image_edit: true,
      native_web_search: false,
    });
    expect(limitsOf(route, "acme/painter")).toEqual({ context_tokens: 64_000, max_output_tokens: 8_000 });
    const usage = { input_tokens: 1_000, cached_input_tokens: 500, output_tokens: 100 };
    expect(priceOf(route, "acme/painter", usage)).toBe(1_500 + 150 + 1_500);
    expect(priceOf(route, "acme/writer", usage)).toBeUndefined();
  });

  test("02-R28: the route's overrides narrow what the catalogue says too", async () => {
    wire.plan({ status: 200, body: { data: [PAINTER] } });
    const { route } = await discovered("required", { overrides: "image_edit = false" });
    expect(route.capabilities).toMatchObject({ image_generation: true, image_edit: false });
  });

  test.each([
    ["an error", { status: 500, body: {} }, "HTTP 500"],
    ["no list", { status: 200, body: { data: "none" } }, "it lists no model"],
    ["an empty list", { status: 200, body: { data: [] } }, "it lists no model"],
  ])("required: %s keeps the daemon from starting", async (_what, reply, reason) => {
    wire.plan(reply);
    await expect(discovered("required")).rejects.toThrow(RouteConfigError);
    wire.plan(reply);
    await expect(discovered("required")).rejects.toThrow(reason);
  });

  test("not set: a private server is not asked, and nothing is assumed of its models' images", async () => {
    const { route, asked } = await discovered(undefined);
    expect(asked).toEqual([]);
    expect(route.capabilities).toMatchObject({ multimodal_input: true, image_generation: false });
  });

  test("not set: the public API is asked, and the daemon starts without its answer", async () => {
    const { route, asked, failures } = await discovered(undefined, {
      baseUrl: "https://openrouter.ai/api/v1",
    });
    expect(asked).toEqual(["https://openrouter.ai/api/v1/models"]);
    expect(failures).toEqual(["no way out"]);
    expect(route).not.toHaveProperty("discovered");
  });

  test("disabled: nobody is asked", async () => {
    expect((await discovered("disabled", { baseUrl: "https://openrouter.ai/api/v1" })).asked).toEqual([]);
  });

  test("anything else is refused", async () => {
    await expect(discovered("maybe")).rejects.toThrow("must be 'required' or 'disabled'");
  });

  test("a price that depends on the routing is not known", () => {
    const auto = { id: "openrouter/auto", pricing: { prompt: "-1", completion: "-1" } };
    expect(readCatalogue({ data: [auto] }).get("openrouter/auto")).toEqual({ limits: {}, capabilities: [] });
  });
});
