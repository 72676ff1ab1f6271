import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { widerIn } from "./grant.ts";
import { covers } from "./resource-glob.ts";

describe("covers", () => {
  it.each([
    ["*", "sessions/a/runs", true],
    ["*", "status", true],
    ["sessions", "sessions", true],
    ["sessions", "sessions/a", true],
    ["sessions", "sessions-of-mine", false],
    ["sessions/*", "sessions", false],
    ["sessions/*", "sessions/a/events", true],
    ["sessions/team-a-*", "sessions/team-a-1/runs", true],
    ["sessions/team-a-*", "sessions/team-b-1", false],
    ["sessions/*/runs", "sessions/a/runs", true],
    ["sessions/*/runs", "sessions/a/stream", false],
    ["sessions/*/runs", "sessions/a", false],
    ["sessions/*-*-prod", "sessions/x-y-z-prod", true],
    ["sessions/*ab*ab", "sessions/abab", true],
    ["sessions/*ab*ab", "sessions/ab", false],
    ["sessions/a", "sessions/A", false],
    ["runtime/tokens", "runtime/tokens/tok_1", true],
    ["runtime", "runtime/secrets/x", true],
  ])("%s on %s: %s", (glob, resource, expected) => {
    expect(covers(glob, resource)).toBe(expected);
  });

  it("02-A7 does not take long over a pattern made to take long", () => {
    expect(covers(`${"*a".repeat(200)}b`, "a".repeat(512))).toBe(false);
  });
});

/** Small alphabets, so that patterns meet. */
const segment = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 4 });
const plain = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
const glob = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const resource = fc.array(plain, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

describe("02-A7 properties", () => {
  it("a pattern covers what its meaning as a regular expression says", () => {
    fc.assert(
      fc.property(glob, resource, (pattern, name) => {
        const meaning = new RegExp(`^${pattern.replaceAll("*", "[^/]*")}(?:/.*)?$`);
        expect(covers(pattern, name)).toBe(meaning.test(name));
      }),
      { numRuns: 5_000 },
    );
  });

  it("whatever a covered pattern covers is covered by the outer one", () => {
    fc.assert(
      fc.property(glob, glob, resource, (outer, inner, name) => {
        fc.pre(covers(outer, inner));
        if (covers(inner, name)) expect(covers(outer, name)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it("a pattern is covered only by those that cover all of it", () => {
    fc.assert(
      fc.property(glob, glob, (outer, inner) => {
        // `c` stands in no pattern: what covers the inner one with `c` for its stars covers it with anything.
        const sample = inner.replaceAll("*", "c");
        expect(covers(outer, inner)).toBe(covers(outer, sample));
      }),
      { numRuns: 5_000 },
    );
  });

  const authority = fc.record(
    {
      verbs: fc.uniqueArray(fc.constantFrom("read", "write", "admin"), { minLength: 1 }),
      resources: fc.array(glob, { minLength: 1, maxLength: 3 }),
      expiresAtMs: fc.integer({ min: 0, max: 3 }),
    },
    { requiredKeys: ["verbs", "resources"] },
  );

  it("along any chain of creations nothing is gained", () => {
    let longest = 0;
    fc.assert(
      fc.property(fc.array(authority, { minLength: 20, maxLength: 60 }), ([first, ...wishes]) => {
        if (first === undefined) return;
        const chain = [first];
        for (const wish of wishes) {
          const creator = chain.at(-1) ?? first;
          if (widerIn(creator, wish) === undefined) chain.push(wish);
        }
        longest = Math.max(longest, chain.length);
        for (const descendant of chain) expect(widerIn(first, descendant)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
    expect(longest).toBeGreaterThan(4);
  });
});
