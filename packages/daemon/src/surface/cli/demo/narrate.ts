import type { JsonObject, StreamEvent } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { oneLine, truncate } from "../output/text.ts";

const WIDTH = 100;

/** One line of the demo's story for what the daemon just did; nothing for what only machines care about. */
export function narrate(event: StreamEvent, colors: Style["colors"]): string | undefined {
  if (event.type === "trace") return trace(event.trace.kind, (event.trace.data ?? {}) as JsonObject, colors);
  if (event.type !== "run_updated") return undefined;
  const { run } = event;
  switch (run.status) {
    case "waiting_for_approval":
      return colors.yellow(
        `  ⏸  waits for approval: ${run.pending_approvals?.map((one) => one.tool_name).join(", ") ?? ""}`,
      );
    case "waiting_for_user_question":
      return colors.yellow("  ⏸  waits for an answer");
    case "completed":
      return colors.green("  ✔  completed");
    case "failed":
    case "cancelled":
    case "interrupted":
      return colors.red(`  ✖  ${run.status}: ${run.error ?? ""}`);
    default:
      return undefined;
  }
}

function trace(kind: string, data: JsonObject, colors: Style["colors"]): string | undefined {
  switch (kind) {
    case "message_appended": {
      const said = textOf(data.message);
      return said === "" ? undefined : `  ${colors.cyan("●")}  ${truncate(oneLine(said), WIDTH)}`;
    }
    case "tool_call_started": {
      const again = Number(data.attempt) > 1 ? colors.yellow(` (attempt ${String(data.attempt)})`) : "";
      return colors.dim(`  →  ${String(data.tool_name)} [${String(data.effect)}]`) + again;
    }
    case "tool_call_finished": {
      const result = (data.result ?? {}) as JsonObject;
      const mark = result.is_error === true ? colors.red("✖") : colors.dim("←");
      return `  ${mark}  ${colors.dim(`${String(result.tool_name)} ${String(data.ledger)}`)}`;
    }
    default:
      return undefined;
  }
}

function textOf(message: unknown): string {
  const { role, parts } = (message ?? {}) as { role?: string; parts?: { type: string; text?: string }[] };
  if (role !== "assistant") return "";
  return (parts ?? []).flatMap((part) => (part.type === "text" ? [part.text ?? ""] : [])).join("");
}
