import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Authority, widerIn } from "./grant.ts";
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

  /** What makes of an authority one that is surely no wider. */
  const narrowing = fc.record({ star: segment, below: fc.option(segment), verb: fc.nat(2) });
  const narrowed = (
    from: Authority,
    how: { star: string; below: string | null; verb: number },
  ): Authority => ({
    ...from,
    verbs: from.verbs.slice(how.verb % from.verbs.length),
    resources: from.resources.map((one) => {
      const pattern = one.replace("*", how.star);
      return how.below === null ? pattern : `${pattern}/${how.below}`;
    }),
  });

  it("along any chain of creations nothing is gained, and what is narrower is never refused", () => {
    fc.assert(
      fc.property(authority, fc.array(fc.tuple(narrowing, authority), { maxLength: 8 }), (first, steps) => {
        let last: Authority = first;
        for (const [how, wish] of steps) {
          const child = narrowed(last, how);
          expect(widerIn(last, child)).toBeUndefined();
          last = widerIn(child, wish) === undefined ? wish : child;
          expect(widerIn(first, last)).toBeUndefined();
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
