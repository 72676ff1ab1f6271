import { isProblem } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { RouteResolver } from "../../engine/ports.ts";
import { loadRoutes } from "./inventory.ts";
import { LiveRoutes } from "./live-routes.ts";
import { InventoryResolver } from "./resolver.ts";

const FILE = `
  default_route = "main"
  [routes.main]
  driver = "anthropic"
  default_model = "claude-sonnet-4-6"
  api_key = "k"
  [routes.openai]
  driver = "openai"
  default_model = "gpt-5.4"
  [routes.router]
  driver = "openrouter"
  default_model = "meta/llama"
  model_support = "family"
  api_key = "k"
`;
const WITHOUT_ROUTER = FILE.slice(0, FILE.indexOf("[routes.router]"));
const resolverOf = (file = FILE, env: Record<string, string> = { OPENAI_API_KEY: "k" }) =>
  new InventoryResolver(new LiveRoutes(loadRoutes({ file, env })));

type Selection = Parameters<RouteResolver["resolve"]>[0];
const resolved = (selection: Selection, file?: string) => {
  const { route_id, model, fallback_model } = resolverOf(file).resolve(selection);
  return [route_id, model, fallback_model].filter(Boolean).join(" ");
};
const refused = (selection: Selection, resolver = resolverOf()) => {
  try {
    resolver.resolve(selection);
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
  throw new Error("it was resolved");
};

describe("resolve", () => {
  test.each<{ rule: string; selection: Selection; is: string }>([
    { rule: "02-R35: nothing", selection: {}, is: "main claude-sonnet-4-6" },
    { rule: "02-R35: a route", selection: { provider: "openai" }, is: "openai gpt-5.4" },
    { rule: "02-R35: a route and a model", selection: { provider: "openai", model: "o3" }, is: "openai o3" },
    { rule: "02-R35: a model of the active route", selection: { model: "claude-x" }, is: "main claude-x" },
    { rule: "02-R32: a prefix", selection: { model: "openai/gpt-5.1" }, is: "openai gpt-5.1" },
    {
      rule: "02-R32: a prefix that is the provider's",
      selection: { provider: "openai", model: "openai/o3" },
      is: "openai o3",
    },
    {
      rule: "02-R32: only the first slash splits",
      selection: { model: "router/openai/gpt-5" },
      is: "router openai/gpt-5",
    },
    {
      rule: "02-R32: no route before the slash",
      selection: { provider: "router", model: "a/b" },
      is: "router a/b",
    },
    {
      rule: "02-R33: a fallback",
      selection: { fallback_model: "claude-y" },
      is: "main claude-sonnet-4-6 claude-y",
    },
    {
      rule: "02-R33: a fallback names the route",
      selection: { fallback_model: "openai/o3" },
      is: "openai gpt-5.4 o3",
    },
    { rule: "09: the simulator", selection: { provider: "simulator", model: "echo" }, is: "simulator echo" },
  ])("$rule resolves to $is", ({ selection, is }) => {
    expect(resolved(selection)).toBe(is);
  });

  test("02-R35: a model that a single other route supports goes there", () => {
    expect(resolved({ model: "gpt-5.1" }, WITHOUT_ROUTER)).toBe("openai gpt-5.1");
  });

  test.each<{ rule: string; selection: Selection; says: string }>([
    {
      rule: "02-R35: several routes",
      selection: { model: "gpt-5.1" },
      says: "openai/gpt-5.1, router/gpt-5.1",
    },
    {
      rule: "02-R35: unsupported",
      selection: { provider: "openai", model: "claude-x" },
      says: "does not support",
    },
    {
      rule: "02-R29: the simulator's models",
      selection: { provider: "simulator", model: "gpt" },
      says: "does not support",
    },
    {
      rule: "02-R33: an unsupported fallback",
      selection: { fallback_model: "gpt-5" },
      says: "does not support",
    },
    {
      rule: "02-R33: two routes",
      selection: { provider: "router", model: "openai/gpt" },
      says: "'router' and 'openai'",
    },
    {
      rule: "02-R33: the fallback's route",
      selection: { model: "main/claude-x", fallback_model: "openai/o3" },
      says: "'main' and 'openai'",
    },
    {
      rule: "02-R32: a prefix without a model",
      selection: { model: "openai/" },
      says: "names a route but no model",
    },
  ])("$rule is refused: $says", ({ selection, says }) => {
    const problem = refused(selection);
    expect(problem).toMatchObject({ domain: "runtime", code: "runtime_validation_failed", status: 400 });
    expect(problem.message).toContain(says);
  });

  test("02-R35: a model that no route supports is refused", () => {
    const problem = refused({ model: "llama" }, resolverOf(WITHOUT_ROUTER));
    expect(problem).toMatchObject({ code: "runtime_validation_failed" });
    expect(problem.message).toContain("No route supports the model 'llama'");
  });

  test("an unknown route is refused with the ones there are", () => {
    const problem = refused({ provider: "nowhere" });
    expect(problem).toMatchObject({ domain: "routes", code: "route_not_ready", status: 400 });
    expect(problem.message).toBe("There is no route 'nowhere'. Use one of: main, openai, router, simulator.");
  });

  test("02-R36: a route without its key is refused, with what to do", () => {
    const problem = refused({ provider: "openai" }, resolverOf(FILE, {}));
    expect(problem).toMatchObject({ domain: "routes", code: "route_not_ready", status: 400 });
    expect(problem.message).toBe(
      "Route 'openai' has no API key: OPENAI_API_KEY is not set. Set OPENAI_API_KEY in the daemon's environment and restart it.",
    );
  });

  test.each([
    { driver: "anthropic", yes: ["claude-x", "my-Claude"], no: ["gpt-5"] },
    { driver: "openai", yes: ["gpt-5", "GPT-4o", "o1", "o3-mini", "o4-mini"], no: ["claude", "omni"] },
    { driver: "google", yes: ["gemini-2.5-pro"], no: ["my-gemini"] },
    { driver: "xai", yes: ["grok-4"], no: ["my-grok"] },
    { driver: "openrouter", yes: ["anything/at-all"], no: [] },
  ])("02-R29: the family of $driver", ({ driver, yes, no }) => {
    const file = (support: string) =>
      `[routes.r]\ndriver = "${driver}"\ndefault_model = "${yes[0]}"\napi_key = "k"\nmodel_support = "${support}"`;
    for (const model of yes) expect(resolved({ provider: "r", model }, file("family"))).toBe(`r ${model}`);
    for (const model of no) {
      expect(refused({ provider: "r", model }, resolverOf(file("family"))).code).toBe(
        "runtime_validation_failed",
      );
      expect(resolved({ provider: "r", model }, file("any"))).toBe(`r ${model}`);
    }
  });
});

describe("views", () => {
  test("routes are shown default first, without their keys", () => {
    const routes = resolverOf().routes();
    expect(routes.map(({ route_id, provider, model }) => [route_id, provider, model])).toEqual([
      ["main", "anthropic", "claude-sonnet-4-6"],
      ["openai", "openai", "gpt-5.4"],
      ["router", "openrouter", "meta/llama"],
      ["simulator", "simulator", "script"],
    ]);
    expect(Object.keys(routes[0] ?? {})).toEqual(["route_id", "provider", "model", "capabilities"]);
  });

  test("02-R40: readiness tells the state, where the key is from and what to do", () => {
    expect(resolverOf(FILE, {}).readiness()).toMatchObject([
      {
        route_id: "main",
        active: true,
        state: "ok",
        code: "route_inline_key",
        message: expect.stringContaining("the routes file"),
      },
      {
        route_id: "openai",
        active: false,
        state: "error",
        code: "route_key_missing",
        action: expect.any(String),
      },
      { route_id: "router", state: "ok" },
      { route_id: "simulator", state: "ok", message: "Route 'simulator' needs no key." },
    ]);
  });

  test("02-R30: a default model outside the family is an error", () => {
    const file = '[routes.r]\ndriver = "xai"\ndefault_model = "gpt-5"\napi_key = "k"';
    expect(resolverOf(file).readiness()[0]).toMatchObject({
      state: "error",
      code: "route_model_incompatible",
    });
    expect(refused({ provider: "r", model: "grok-4" }, resolverOf(file)).code).toBe("route_not_ready");
  });
});
