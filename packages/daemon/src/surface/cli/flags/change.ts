import type { Command } from "commander";
import { wholeNumber } from "./numbers.ts";

/** What every change of the daemon's settings may be given. */
export interface ChangeFlags {
  expectedRevision?: number;
  reason?: string;
}

export function addChangeFlags(command: Command): Command {
  return command
    .option("--expected-revision <n>", "refuse when the settings have changed since", wholeNumber(0))
    .option("--reason <text>", "why, for the history");
}

/** The flags as members of a request. */
export function changeOf({ expectedRevision, reason }: ChangeFlags) {
  return {
    ...(expectedRevision === undefined ? {} : { expected_revision: expectedRevision }),
    ...(reason === undefined ? {} : { reason }),
  };
}
