import { describe, expect, it } from "vitest";
import type { ModelErrorClass } from "../ports.ts";
import { afterModelError } from "./call-model.ts";

type Tried = "snip" | "compact" | "fallback";

function next(kind: ModelErrorClass, tried: Tried[], hasFallback: boolean, fallbackActive = false) {
  const error = { class: kind, message: "", retryable: false };
  return afterModelError({ tried: new Set(tried), fallback_active: fallbackActive }, error, hasFallback);
}

describe("01-R85: after a failed model call", () => {
  it.each<[Tried[], boolean, boolean, string]>([
    [[], false, false, "snip"],
    [[], true, false, "snip"],
    [["snip"], true, false, "compact"],
    [["snip"], false, true, "compact"],
    [["snip", "compact"], true, false, "fallback"],
    [["snip", "compact"], true, true, "fail"],
    [["snip", "compact"], false, false, "fail"],
    [["compact"], true, false, "snip"],
  ])(
    "a prompt that is too long, tried %j, fallback model %s, in use %s: %s",
    (tried, has, active, expected) => {
      expect(next("context_window_exceeded", tried, has, active)).toBe(expected);
    },
  );

  it.each(["rate_limited", "server_overloaded", "transport"] as const)(
    "%s: the fallback model, once",
    (kind) => {
      expect(next(kind, [], true)).toBe("fallback");
      expect(next(kind, ["fallback"], true, true)).toBe("fail");
      expect(next(kind, [], false)).toBe("fail");
    },
  );

  it.each(["auth", "invalid_request", "cancelled", "unknown"] as const)(
    "%s: no other model would help",
    (kind) => {
      expect(next(kind, [], true)).toBe("fail");
      expect(next(kind, [], false)).toBe("fail");
    },
  );

  it("ends: whatever fails again and again has at most three remedies", () => {
    const tried: Tried[] = [];
    for (let step = 0; step < 10; step++) {
      const remedy = next("context_window_exceeded", tried, true, tried.includes("fallback"));
      if (remedy === "fail") break;
      tried.push(remedy);
    }
    expect(tried).toEqual(["snip", "compact", "fallback"]);
  });
});
