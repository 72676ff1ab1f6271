import { describe, expect, test } from "vitest";
import { type LoadRoutesOptions, loadRoutes } from "./inventory.ts";
import { RouteConfigError } from "./route.ts";
import { arrange } from "./route-set.ts";

const routesOf = (options: LoadRoutesOptions) => arrange(loadRoutes(options));
const idsOf = (options: LoadRoutesOptions) => routesOf(options).map((route) => route.route_id);
const TWO = `
  default_route = "b"
  [routes.a]
  driver = "openai"
  default_model = "gpt-5.4"
  [routes.b]
  driver = "xai"
  default_model = "grok-4"
`;

describe("with a routes file", () => {
  test("02-R24: the default comes first, the simulator last", () => {
    expect(idsOf({ file: TWO, env: {} })).toEqual(["b", "a", "simulator"]);
  });

  test("02-R23: a flag or variable overrides a default that is valid", () => {
    expect(idsOf({ file: TWO, env: {}, defaultRoute: "a" })).toEqual(["a", "b", "simulator"]);
    expect(idsOf({ file: TWO, env: { KHEISH_DEFAULT_ROUTE: "simulator" } })).toEqual(["simulator", "a", "b"]);
  });

  test.each([
    { options: { file: TWO, env: {}, defaultRoute: "c" } },
    { options: { file: TWO.replace('"b"', '"c"'), env: {} } },
    { options: { file: TWO.replace('"b"', '"c"'), env: {}, defaultRoute: "a" } },
    { options: { file: TWO, env: {}, defaultRoute: "simulator", noSimulator: true } },
  ])("02-R23: a default that names no route is refused ($options.defaultRoute)", ({ options }) => {
    expect(() => loadRoutes(options)).toThrow(RouteConfigError);
  });

  test("keys of the environment make no routes of their own", () => {
    expect(idsOf({ file: TWO, env: { ANTHROPIC_API_KEY: "k" } })).toEqual(["b", "a", "simulator"]);
  });

  test("the file may have the simulator under its own name, or something else under the simulator's", () => {
    expect(idsOf({ file: '[routes.sim]\ndriver = "simulator"', env: {} })).toEqual(["sim"]);
    const other = '[routes.simulator]\ndriver = "xai"\ndefault_model = "grok-4"';
    expect(routesOf({ file: other, env: {} }).map(({ driver }) => driver)).toEqual(["xai"]);
  });
});

describe("without a routes file", () => {
  test("09: the simulator is the default when there is nothing else", () => {
    expect(routesOf({ env: {} })).toMatchObject([{ route_id: "simulator", model: "script" }]);
    expect(() => loadRoutes({ env: {}, noSimulator: true })).toThrow(/no route to a model/);
  });

  test("02-R31: every driver whose key is found has a route with its name and a sensible model", () => {
    const env = {
      OPENROUTER_API_KEY: "k",
      XAI_API_KEY: "k",
      OPENAI_API_KEY: "k",
      GEMINI_API_KEY: "k",
      ANTHROPIC_API_KEY: "k",
    };
    expect(routesOf({ env }).map(({ route_id, model }) => `${route_id}/${model}`)).toEqual([
      "anthropic/claude-opus-4-6",
      "google/gemini-2.5-flash",
      "openai/gpt-5.4",
      "xai/grok-4-fast-reasoning",
      "openrouter/openai/gpt-5.4-mini",
      "simulator/script",
    ]);
    expect(idsOf({ env: { ANTHROPIC_API_KEY: " " } })).toEqual(["simulator"]);
  });

  test("02-R31: the chosen provider comes first, with its model and key", () => {
    const env = { ANTHROPIC_API_KEY: "k", KHEISH_PROVIDER: "openai", KHEISH_MODEL: "gpt-x" };
    expect(routesOf({ env })).toMatchObject([
      { route_id: "openai", model: "gpt-x", credential: { kind: "missing" } },
      { route_id: "anthropic" },
      { route_id: "simulator" },
    ]);
    expect(routesOf({ env, primary: { provider: "xai", model: "grok-9", apiKey: "f" } })).toMatchObject([
      { route_id: "xai", model: "grok-9", credential: { kind: "key" } },
      { route_id: "anthropic" },
      { route_id: "simulator" },
    ]);
    expect(routesOf({ env: { KHEISH_API_KEY: "k" } })[0]).toMatchObject({ route_id: "anthropic" });
    expect(() => loadRoutes({ env: {}, primary: { provider: "acme" } })).toThrow(/'acme' is not a provider/);
  });

  test("other settings of the environment belong to the driver's own route", () => {
    const [route] = routesOf({
      env: { ANTHROPIC_API_KEY: "k", ANTHROPIC_VERSION: "2030-01-01", ANTHROPIC_BETA_HEADERS: "a, b,," },
    });
    expect(route).toMatchObject({ anthropic_version: "2030-01-01", anthropic_beta_headers: ["a", "b"] });
  });
});
