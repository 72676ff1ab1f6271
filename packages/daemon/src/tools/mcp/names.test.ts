import { expect, it } from "vitest";
import { qualifiedName } from "./names.ts";

it.each([
  ["files", "read_file", "mcp__files__read_file"],
  ["a.b", "get/it now", "mcp__a_b__get_it_now"],
  ["", "", "mcp______"],
  ["ü", "é😀", "mcp_______"],
  ["A-1", "b_2", "mcp__A-1__b_2"],
])("03-R59: '%s' of '%s' is %s", (server, tool, name) => {
  expect(qualifiedName(server, tool)).toBe(name);
});

it("a name that no provider takes is cut, and stays unlike its neighbours", () => {
  const names = ["x", "y"].map((end) => qualifiedName("server", `${"a-very-long-name-".repeat(5)}${end}`));
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{64}$/);
  expect(new Set(names).size).toBe(2);
});
