import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { MIGRATIONS as POSTGRES } from "../../src/kernel/postgres/migrations.ts";
import { MIGRATIONS as SQLITE } from "../../src/kernel/sqlite/migrations.ts";
import { fixtureVersions } from "./fixtures.ts";

/** SHA-256 of the SQL of each version, oldest first. Lines are added here, never changed. */
const FROZEN = {
  sqlite: ["3f53354f76e1ef9afa27442be34b79aa49f6fc492120c4c76b165a57748fa3bf"],
  postgres: ["01668acfebf9d02ca389c06d913893eb46485883abb5d7087fd114393505bf18"],
};

describe.each([
  ["sqlite", SQLITE],
  ["postgres", POSTGRES],
] as const)("the migrations of %s", (engine, migrations) => {
  test("are numbered without a gap, and each is as it was released", () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
    const digests = migrations.map(({ sql }) => createHash("sha256").update(sql).digest("hex"));
    expect(digests, "a change is a new migration").toEqual(FROZEN[engine]);
  });

  test("each have a fixture: write-fixtures.ts writes that of the newest", () => {
    expect(fixtureVersions(engine)).toEqual(migrations.map(({ version }) => version));
  });
});
