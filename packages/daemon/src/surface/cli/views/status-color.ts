import type { RunStatus, SessionStatus } from "@kheish/contract";
import type { Colors } from "../output/output.ts";

/** One colour a meaning: yellow waits for a human, red went wrong, cyan is moving. */
export function paintStatus(text: string, status: RunStatus | SessionStatus, colors: Colors): string {
  switch (status) {
    case "completed":
      return colors.green(text);
    case "running":
      return colors.cyan(text);
    case "waiting_for_approval":
    case "waiting_for_user_question":
    case "waiting_for_user_input":
      return colors.yellow(text);
    case "failed":
    case "interrupted":
      return colors.red(text);
    case "queued":
    case "cancelled":
    case "idle":
      return colors.dim(text);
  }
}

/** A status as words. */
export function statusText(status: RunStatus | SessionStatus): string {
  return status.replaceAll("_", " ");
}
