import { describe, expect, it } from "vitest";
import { KeyedMutex } from "../kernel/keyed-mutex.ts";
import { Slots } from "./slots.ts";

const never = new AbortController().signal;

describe("slots", () => {
  it("admit no more than there are, and the others in their order", async () => {
    const slots = new Slots(2);
    const log: string[] = [];
    const doors = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const runs = doors.map((door, index) =>
      slots.run(never, async () => {
        log.push(`in ${index}`);
        await door.promise;
      }),
    );
    await Promise.resolve();
    expect(log).toEqual(["in 0", "in 1"]);
    doors[1]?.resolve();
    await runs[1];
    doors[0]?.resolve();
    await runs[0];
    for (const door of doors) door.resolve();
    await Promise.all(runs);
    expect(log).toEqual(["in 0", "in 1", "in 2", "in 3"]);
  });

  it("let go of who gives up waiting, and of work that fails", async () => {
    const slots = new Slots(1);
    const door = Promise.withResolvers<void>();
    const first = slots.run(never, () => door.promise);
    const stop = new AbortController();
    const second = slots.run(stop.signal, async () => "second");
    const third = slots.run(never, async () => Promise.reject(new Error("third")));
    stop.abort(new Error("stopped"));
    await expect(second).rejects.toThrow("stopped");
    door.resolve();
    await first;
    await expect(third).rejects.toThrow("third");
    expect(await slots.run(never, async () => "free again")).toBe("free again");
  });
});

describe("the keyed mutex", () => {
  it("runs one at a time per key, also after a failure, and keys apart from each other", async () => {
    const mutex = new KeyedMutex();
    const log: string[] = [];
    const door = Promise.withResolvers<void>();
    const work =
      (name: string, until: Promise<void> = Promise.resolve()) =>
      async () => {
        log.push(`${name} begins`);
        await until;
        log.push(`${name} ends`);
        if (name === "a1") throw new Error("a1");
      };
    const a1 = mutex.run("a", work("a1", door.promise));
    const a2 = mutex.run("a", work("a2"));
    await mutex.run("b", work("b"));
    door.resolve();
    await expect(a1).rejects.toThrow("a1");
    await a2;
    expect(log).toEqual(["a1 begins", "b begins", "b ends", "a1 ends", "a2 begins", "a2 ends"]);
  });
});
