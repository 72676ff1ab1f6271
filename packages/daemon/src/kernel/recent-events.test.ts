import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecentEvents } from "./recent-events.ts";
import type { StoredEvent } from "./store.ts";

/** Positions grow, and not by one: other daemons' commits may have failed in between. */
const history = fc.array(
  fc.record({ step: fc.integer({ min: 1, max: 3 }), stream: fc.constantFrom("a", "b", "c") }),
  { maxLength: 60 },
);

describe("the newest events", () => {
  test("are all there from wherever they reach back to, as a whole and by stream", () => {
    fc.assert(
      fc.property(
        history,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 7 }),
        (steps, capacity, pageSize) => {
          let position = 5;
          const events = steps.map(({ step, stream }) => {
            position += step;
            return { stream, position } as unknown as StoredEvent;
          });
          const recent = new RecentEvents(capacity);
          recent.beginAfter(5);
          for (let index = 0; index < events.length; index += pageSize) {
            const upTo = events.slice(0, index + pageSize);
            recent.keep(upTo.slice(index));
            const { oldest } = recent.retained;
            for (let from = 5; from <= position; from++) {
              const after = upTo.filter((event) => event.position > from);
              expect(recent.since(from)).toEqual(reaches(upTo, from, oldest) ? after : undefined);
              for (const stream of ["a", "b", "c", "never"])
                expect(recent.sinceIn(stream, from)).toEqual(
                  recent.since(from)?.filter((event) => event.stream === stream),
                );
            }
            expect(recent.retained.count).toBeGreaterThanOrEqual(Math.min(capacity, upTo.length));
            expect(recent.retained.count).toBeLessThanOrEqual(capacity * 2);
          }
        },
      ),
    );
  });
});

/** Whether nothing that lies after `from` was dropped. */
function reaches(all: readonly StoredEvent[], from: number, oldest: number | undefined): boolean {
  return !all.some((event) => event.position > from && event.position < (oldest ?? 0));
}
