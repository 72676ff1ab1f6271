import type { Command } from "commander";
import { UsageError } from "../errors.ts";

export interface RequestFlag {
  requestId?: string;
}

/** The id of an approval or question: as argument or as flag, both spellings are in use. */
export function addRequestId(command: Command): Command {
  return command
    .argument("[request_id]", "id of the request")
    .option("--request-id <id>", "the same, as a flag");
}

export function requestIdFrom(positional: string | undefined, { requestId }: RequestFlag): string {
  if (positional !== undefined && requestId !== undefined && positional !== requestId) {
    throw new UsageError("the argument and --request-id name different requests");
  }
  const id = positional ?? requestId;
  if (id === undefined) throw new UsageError("give the id of the request; the list shows them");
  return id;
}
