import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { actionsIn, endOf, rowsOf, type StoredActions } from "./rows.ts";

const digest = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  fc.string(),
);
const text = fc.string();
const stored: fc.Arbitrary<StoredActions> = fc.record({
  first: fc.integer({ min: 1 }),
  scope: fc.record(
    {
      session_id: text,
      agent_id: text,
      run_id: text,
      principal_id: text,
      parent_principal_id: text,
      grant_id: text,
    },
    { requiredKeys: [] },
  ),
  records: fc.array(
    fc.record(
      {
        phase: fc.constantFrom("request", "response", "failed", "applied"),
        kind: text,
        target: text,
        tool_call_id: text,
        request_digest: digest,
        response_digest: digest,
        outcome: text,
        hash: digest,
        detail: fc.record({ change: fc.dictionary(text, text) }, { requiredKeys: ["change"] }),
      },
      { requiredKeys: ["phase", "kind", "target", "hash"] },
    ),
    { minLength: 1, maxLength: 4 },
  ),
});
const onDisk = (actions: StoredActions) => JSON.parse(JSON.stringify(rowsOf(actions)));

describe("the records of a commit as rows", () => {
  test("02-R76 say what they said, to the member", () => {
    fc.assert(
      fc.property(stored, (actions) => {
        expect(actionsIn(onDisk(actions))).toEqual(actions);
      }),
    );
  });

  test("end where their records end", () => {
    fc.assert(
      fc.property(stored, (actions) => {
        const end = { count: actions.first + actions.records.length - 1, hash: actions.records.at(-1)?.hash };
        expect(endOf(onDisk(actions))).toEqual(end);
        expect(endOf(JSON.parse(JSON.stringify(actions)))).toEqual(end);
      }),
    );
  });

  test("are read where an earlier daemon named every member", () => {
    fc.assert(
      fc.property(stored, (actions) => {
        expect(actionsIn(JSON.parse(JSON.stringify(actions)))).toEqual(actions);
      }),
    );
  });
});
