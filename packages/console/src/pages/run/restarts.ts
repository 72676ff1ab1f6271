import type { RunEventEntry, Trace } from "@kheish/sdk";
import type { Step } from "./step.ts";

/** Where a daemon process took the run up that another one had begun, and what it did about what was under way. */
export function restartsOf(traces: readonly Trace[], events: readonly RunEventEntry[]): Step[] {
  return events.flatMap(({ event, timestamp_ms: at, seq }) => {
    if (event.type !== "resumed") return [];
    const did = whatItDid(traces, seq);
    return {
      key: `restart-${seq}`,
      name: `Restart: ${did[0] ?? "another daemon process took the run up"}`,
      startMs: at,
      endMs: at,
      failed: false,
      body: { kind: "restart", did },
    } satisfies Step;
  });
}

interface Call {
  call_id: string;
  tool_name?: string;
  attempt?: number;
  ledger?: string;
}

/** Each call that had left and had no outcome when the process ended, and what became of it afterwards. */
function whatItDid(traces: readonly Trace[], resumedSeq: number): string[] {
  const open = new Map<string, string>();
  const did: string[] = [];
  for (const { kind, seq = 0, data } of traces) {
    const { call_id, tool_name = "", ledger } = data as unknown as Call;
    const isBefore = seq < resumedSeq;
    if (kind === "tool_call_started" && isBefore) open.set(call_id, tool_name);
    if (kind === "tool_call_finished" && isBefore) open.delete(call_id);
    if (isBefore) continue;
    const tool = open.get(call_id);
    if (kind === "effect_not_applied" && tool !== undefined)
      did.push(`${tool} was looked up and had done nothing`);
    if (kind === "tool_call_started" && tool !== undefined) did.push(`${tool} was run again`);
    if (kind === "tool_call_finished" && tool !== undefined) did.push(outcome(tool, ledger));
    if (kind === "tool_call_started" || kind === "tool_call_finished") open.delete(call_id);
    if (kind === "message_appended" && did.length === 0) {
      did.push("the model was asked again");
      break;
    }
    if (open.size === 0 && did.length > 0) break;
  }
  return did;
}

function outcome(tool: string, ledger: string | undefined): string {
  if (ledger === "unknown") return `${tool} was not repeated: the model was told that its outcome is unknown`;
  if (ledger === "reconciled") return `${tool} was looked up and had been done`;
  return `${tool} was closed as ${ledger}`;
}
