import { expect, test } from "vitest";
import { land, type OpenFixture, put, range, useStore } from "./fixture.ts";

export function sequencesConformance(openFixture: OpenFixture): void {
  const subject = useStore(openFixture);

  test("numbers are given once and grow, in every sequence for itself", async () => {
    const { store } = subject;
    expect(await store.reserveIds("runs", 1)).toBe(1);
    expect(await store.reserveIds("runs", 5)).toBe(2);
    expect(await store.reserveIds("runs", 1)).toBe(7);
    expect(await store.reserveIds("sessions", 1)).toBe(1);
  });

  test("of many reservations at once no two overlap", async () => {
    const [a, b] = await subject.pair();
    const firsts = await Promise.all(range(60).map((index) => (index % 2 ? a : b).reserveIds("runs", 3)));
    const given = firsts.flatMap((first) => [first, first + 1, first + 2]);
    expect(new Set(given)).toHaveLength(180);
  });

  test("K1 numbers that a commit has used are not given again after a restart", async () => {
    let last = 0;
    for (const round of range(4)) {
      const first = await subject.store.reserveIds("runs", 2);
      expect(first).toBeGreaterThan(last);
      last = first + 1;
      await land(subject.store, [put(`run-${round}`)]);
      await subject.restart();
    }
  });

  test("numbers that nothing has used are not given again either after an orderly end", async () => {
    const first = await subject.store.reserveIds("runs", 1);
    expect(await (await subject.restart()).reserveIds("runs", 1)).toBeGreaterThan(first);
  });
}
