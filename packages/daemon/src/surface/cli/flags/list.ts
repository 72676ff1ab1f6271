import type { Command } from "commander";
import { wholeNumber } from "./numbers.ts";

export interface ListFlags {
  page?: boolean;
  limit?: number;
  cursor?: string;
}

export function addListFlags(command: Command): Command {
  return command
    .option("--page", "answer a page with a cursor instead of a bare list")
    .option("--limit <n>", "items at most; 1 to 100 in a page", wholeNumber(1))
    .option("--cursor <cursor>", "continue after an earlier page");
}

/**
 * The query of a list. For eyes the list is always paged: nobody reads ten thousand rows,
 * and the unpaged form is kept for scripts that were written against it.
 */
export function listQuery({ page, limit, cursor }: ListFlags, human: boolean) {
  return { page: page || human ? "true" : undefined, limit: limit?.toString(), cursor };
}
