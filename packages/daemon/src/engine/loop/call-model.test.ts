import { describe, expect, it } from "vitest";
import type { ModelErrorClass } from "../ports.ts";
import { afterModelError } from "./call-model.ts";

type Tried = "snip" | "compact" | "fallback";

function next(kind: ModelErrorClass, tried: Tried[], hasFallback: boolean) {
  const error = { class: kind, message: "", retryable: false };
  return afterModelError({ tried: new Set(tried) }, error, hasFallback);
}

describe("01-R85: after a failed model call", () => {
  it.each<[Tried[], boolean, string]>([
    [[], false, "snip"],
    [[], true, "snip"],
    [["snip"], true, "compact"],
    [["snip"], false, "compact"],
    [["snip", "compact"], true, "fallback"],
    [["snip", "compact"], false, "fail"],
    [["compact"], true, "snip"],
  ])("a prompt that is too long, tried %j, fallback left %s: %s", (tried, has, expected) => {
    expect(next("context_window_exceeded", tried, has)).toBe(expected);
  });

  it.each(["rate_limited", "server_overloaded", "transport"] as const)(
    "%s: the next fallback, as long as there is one",
    (kind) => {
      expect(next(kind, [], true)).toBe("fallback");
      expect(next(kind, ["fallback"], true)).toBe("fallback");
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
      const remedy = next("context_window_exceeded", tried, !tried.includes("fallback"));
      if (remedy === "fail") break;
      tried.push(remedy);
    }
    expect(tried).toEqual(["snip", "compact", "fallback"]);
  });
});
