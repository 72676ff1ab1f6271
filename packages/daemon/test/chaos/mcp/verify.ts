import type { Json } from "@kheish/contract";
import type { Findings } from "../verify/findings.ts";
import type { LedgerLine } from "./servers.ts";

/** How a call ended, as its run was told. */
export type CallEnd = "did" | "unknown" | "refused";

/** What the journal says of a call; undefined when it says nothing. */
export function endOf(output: Json | undefined): CallEnd | undefined {
  if (output === undefined) return undefined;
  const text = JSON.stringify(output);
  if (text.includes('"outcome":"unknown"')) return "unknown";
  return text.includes('"text":"did ') ? "did" : "refused";
}

/** Holds what runs were told of their calls against what the servers did. */
export function checkCalls(
  ends: ReadonlyMap<string, CallEnd | undefined>,
  lines: readonly LedgerLine[],
  findings: Findings,
): void {
  const byCall = Map.groupBy(lines, ({ call }) => call);
  for (const [call, end] of ends) {
    const done = byCall.get(call) ?? [];
    const isOnce = call.endsWith("note");
    if (end === undefined) findings.add("lost", `${call} has no end`);
    if (end === "did" && done.length === 0) findings.add("lost", `${call} is told as done and was not`);
    if (isOnce && end === "refused" && done.length > 0)
      findings.add("lost", `${call} was done and is told as refused`);
    if (isOnce && done.length > 1) findings.add("repeated", `${call} was done ${done.length} times`);
    if (!isOnce && end === "unknown") findings.add("lost", `${call} may be repeated and is told as unknown`);
    const keys = new Set(done.map(({ key }) => key));
    if (keys.size > 1) findings.add("repeated", `${call} was made under ${keys.size} keys`);
  }
  for (const [key, same] of Map.groupBy(lines, (line) => line.key)) {
    const calls = new Set(same.map(({ call }) => call));
    if (calls.size > 1) findings.add("repeated", `${[...calls].join(" and ")} share the key ${key}`);
  }
}
