import { describe, expect, test } from "vitest";
import { loadRoutes } from "./inventory.ts";
import { LiveRoutes } from "./live-routes.ts";
import { InventoryResolver } from "./resolver.ts";
import { RouteConfigError } from "./route.ts";

/** Three routes that need no key; `chain` stands in the first. */
const fileWith = (chain: string) => `
  default_route = "a"
  [routes.a]
  driver = "openai_compatible"
  default_model = "m"
  base_url = "http://127.0.0.1:1/v1"
  ${chain}
  [routes.b]
  driver = "openai_compatible"
  default_model = "n"
  base_url = "http://127.0.0.1:2/v1"
  [routes.c]
  driver = "simulator"
`;
const pinned = (chain: string, model?: string) =>
  new InventoryResolver(new LiveRoutes(loadRoutes({ file: fileWith(chain), env: {} }))).resolve({
    provider: "a",
    ...(model === undefined ? {} : { model }),
  });
const B = { route_id: "b", driver: "openai_compatible" };

describe("02-A8: the fallback chain of a route", () => {
  test("is pinned with the run: routes with their own models, or with those it names", () => {
    expect(pinned('fallback = ["b/x/y", "b", "c", "a/other"]\nfallback_on = ["rate_limited"]')).toEqual({
      route_id: "a",
      driver: "openai_compatible",
      model: "m",
      fallbacks: [
        { ...B, model: "x/y" },
        { ...B, model: "n" },
        { route_id: "c", driver: "simulator", model: "script" },
        { route_id: "a", driver: "openai_compatible", model: "other" },
      ],
      fallback_on: ["rate_limited"],
    });
  });

  test("is for overload, rate limits and broken transport unless it says otherwise", () => {
    expect(pinned('fallback = ["b"]').fallback_on).toEqual(["overloaded", "rate_limited", "transport"]);
    expect(pinned("")).not.toHaveProperty("fallback_on");
  });

  test("leaves out the very model that a run asks for", () => {
    expect(pinned('fallback = ["a/other", "b"]', "other").fallbacks).toEqual([{ ...B, model: "n" }]);
  });

  test.each([
    ['fallback = ["z"]', "routes.a.fallback[0] names no route"],
    ['fallback = ["b", "z/m"]', "routes.a.fallback[1] names no route"],
    ['fallback = ["b/"]', "routes.a.fallback[0] names no route"],
    ['fallback = ["a"]', "routes.a.fallback[0] is where the run comes from"],
    ['fallback = ["b", "b/n"]', "routes.a.fallback[1] is where the run comes from"],
    ['fallback = ["c/gpt-5"]', "route 'c' (simulator) does not support 'gpt-5'"],
    ["fallback = []", "does not validate at routes.a.fallback"],
    ['fallback = "b"', "does not validate at routes.a.fallback"],
    ['fallback = ["b"]\nfallback_on = ["auth"]', "does not validate at routes.a.fallback_on.0"],
    ['fallback_on = ["transport"]', "routes.a.fallback does not say where"],
  ])("%j is refused at the start", (chain, message) => {
    expect(() => pinned(chain)).toThrow(RouteConfigError);
    expect(() => pinned(chain)).toThrow(message);
  });
});
