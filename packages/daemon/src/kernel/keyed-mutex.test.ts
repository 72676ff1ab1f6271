import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyedMutex } from "./keyed-mutex.ts";

describe("a keyed mutex", () => {
  it("lets one in per key, first come first served, and keys do not wait for each other", async () => {
    const keys = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(keys, fc.scheduler(), async (wanted, scheduler) => {
        const mutex = new KeyedMutex();
        const order = new Map<string, number[]>();
        const inside = new Set<string>();
        const work = wanted.map((key, index) =>
          mutex.run(key, async () => {
            expect(inside.has(key), `two hold '${key}'`).toBe(false);
            inside.add(key);
            order.set(key, [...(order.get(key) ?? []), index]);
            await scheduler.schedule(Promise.resolve(), `${key} ${index}`);
            inside.delete(key);
            return index;
          }),
        );
        await scheduler.waitFor(Promise.all(work));
        expect(await Promise.all(work)).toEqual(wanted.map((_, index) => index));
        for (const [key, indexes] of order) {
          expect(indexes).toEqual(wanted.flatMap((one, index) => (one === key ? [index] : [])));
        }
      }),
    );
  });

  it("does not let one key hold up another", async () => {
    const mutex = new KeyedMutex();
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = mutex.run("a", () => promise);
    expect(await mutex.run("b", async () => "b")).toBe("b");
    resolve();
    await held;
  });

  it("goes on after work that failed, and tells who failed", async () => {
    const mutex = new KeyedMutex();
    const failed = mutex.run("a", () => Promise.reject(new Error("broken")));
    const next = mutex.run("a", async () => "next");
    await expect(failed).rejects.toThrow("broken");
    expect(await next).toBe("next");
  });
});
