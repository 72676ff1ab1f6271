import { describe } from "vitest";
import { commitConformance } from "./commit.ts";
import type { OpenFixture } from "./fixture.ts";
import { journalConformance } from "./journal.ts";
import { leasesConformance } from "./leases.ts";
import { modelConformance } from "./model.ts";
import { queueConformance } from "./queue.ts";
import { recordsConformance } from "./records.ts";
import { sequencesConformance } from "./sequences.ts";

export type { OpenFixture, StoreFixture } from "./fixture.ts";

/**
 * What every store engine must do, as one suite that each of them runs unchanged.
 * The titles carry the invariant of `store.ts` (K1 to K7) that a test is about.
 */
export function storeConformance(name: string, openFixture: OpenFixture): void {
  describe(`${name} keeps the store's invariants`, () => {
    describe("commit", () => commitConformance(openFixture));
    describe("journal", () => journalConformance(openFixture));
    describe("records", () => recordsConformance(openFixture));
    describe("queue", () => queueConformance(openFixture));
    describe("leases", () => leasesConformance(openFixture));
    describe("sequences", () => sequencesConformance(openFixture));
    describe("model", () => modelConformance(openFixture));
  });
}
