import { describe, expect, test } from "vitest";
import { callThrough, requestOf, routeKit, testModels } from "./testing/kit.ts";

describe("a pinned route", () => {
  const kit = routeKit({ driver: "openai_compatible", model: "local", baseUrl: "http://127.0.0.1:1/v1" });

  test.each([
    { is: "gone", route: { ...kit.route, route_id: "other" } },
    { is: "another driver's now", route: { ...kit.route, driver: "openai" } },
  ])("02-R37: that is $is fails the run, which drifts to no other", async ({ route }) => {
    const { outcome } = await callThrough(kit, requestOf(route, "go"));
    expect(outcome).toMatchObject({ ok: false, error: { class: "invalid_request", retryable: false } });
  });

  test("02-R36: without a key is refused again at the call", async () => {
    const { models, clock } = testModels(
      `[routes.main]\ndriver = "openai"\ndefault_model = "gpt-5.4"\napi_key_env = "NOT_SET"`,
    );
    const route = { route_id: "main", driver: "openai", model: "gpt-5.4" };
    const { outcome } = await callThrough({ models, clock }, requestOf(route, "go"));
    expect(outcome).toMatchObject({
      ok: false,
      error: { class: "auth", message: expect.stringContaining("NOT_SET") },
    });
  });

  test("tells what is known of its models", () => {
    expect(kit.models.limits(kit.route, "claude-sonnet-4-6")).toEqual({
      context_tokens: 200_000,
      max_output_tokens: 64_000,
    });
    expect(kit.models.limits(kit.route, "somebody/else-7b")).toEqual({});
  });

  test("02-R74: tells the audit where its calls go, and no more of it", () => {
    expect(kit.models.endpoint?.(kit.route)).toBe("http://127.0.0.1:1");
    expect(kit.models.endpoint?.({ ...kit.route, route_id: "other" })).toBe("openai_compatible");
  });
});
