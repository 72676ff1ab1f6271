import fc from "fast-check";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import type { Style } from "./output.ts";
import { type Column, table } from "./table.ts";
import { displayWidth } from "./text.ts";

const style = (columns: number): Style => ({ colors: pc.createColors(false), columns, now: 0 });

interface Row {
  id: string;
  text: string;
}
const columns: Column<Row>[] = [
  { title: "ID", value: (row) => row.id, keep: true },
  { title: "N", value: () => 7 },
  { title: "TEXT", value: (row) => row.text },
];

describe("a table", () => {
  it("is as wide as its content", () => {
    const rows = [
      { id: "run-1", text: "one" },
      { id: "run-200", text: "" },
    ];
    expect(table(rows, columns, style(80))).toBe("ID       N  TEXT\nrun-1    7  one\nrun-200  7");
  });

  it("cuts the widest column, and ids last", () => {
    const rows = [{ id: "approval-bash-1-abcd1234", text: "x".repeat(90) }];
    const [, line] = table(rows, columns, style(40)).split("\n");
    expect(line).toBe(`approval-bash-1-abcd1234  7  ${"x".repeat(10)}…`);
  });

  it("lets go of what is empty before it cuts what is not", () => {
    const more: Column<Row>[] = [...columns, { title: "NOTHING-SO-FAR", value: () => "" }];
    const rows = [{ id: "run-1", text: "x".repeat(20) }];
    expect(table(rows, more, style(60)).split("\n")[0]).toBe(
      "ID     N  TEXT                  NOTHING-SO-FAR",
    );
    expect(table(rows, more, style(40))).toBe(`ID     N  TEXT\nrun-1  7  ${"x".repeat(20)}`);
  });

  it("puts rows below each other where columns could no longer be read", () => {
    const wide = ["ROUTE", "PROVIDER", "MODEL", "STATE", "FROM", "PRICES", "LIMITS", "SLOT", "USED"].map(
      (title): Column<Row> => ({ title, value: (row) => `${title.toLowerCase()} of ${row.id}` }),
    );
    const rows = [
      { id: "a", text: "" },
      { id: "b", text: "" },
    ];
    const [one, other, none] = table(rows, wide, style(60)).split("\n\n");
    expect(one?.split("\n").slice(0, 2)).toEqual(["ROUTE     route of a", "PROVIDER  provider of a"]);
    expect(other).toContain("LIMITS    limits of b");
    expect(none).toBeUndefined();
    expect(table(rows, wide, style(200))).toMatch(/^ROUTE {7}PROVIDER/);
  });

  it("is never wider than the screen", () => {
    const row = fc.record({ id: fc.string({ unit: "grapheme" }), text: fc.string({ maxLength: 200 }) });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 4, max: 60 }),
        (rows, width) => {
          for (const line of table(rows, columns, style(width)).split("\n")) {
            expect(displayWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
    );
  });
});
