import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import type { StreamEndpointId, StreamInput } from "../client/endpoint-types.ts";
import type { FollowOptions, StreamFrame, StreamItem } from "../client/follow.ts";
import { frameLine } from "../views/stream-line.ts";

export interface CursorFlag {
  cursor?: string;
}

export function addCursorFlag(command: Command): Command {
  return command.option("--cursor <id>", "resume after this event id; 0 is everything that is kept");
}

/**
 * Prints a stream as it comes: a line an event for eyes, else one JSON object an event.
 * Answers the last frame, once there is a last one.
 */
export async function printStream<E extends StreamEndpointId>(
  cli: Cli,
  endpoint: E,
  input: StreamInput<E>,
  options?: FollowOptions,
): Promise<StreamFrame | undefined> {
  const client = await cli.client();
  let last: StreamFrame | undefined;
  for await (const item of client.stream(endpoint, input, options)) {
    printItem(cli, item);
    if (item.kind === "frame") last = item.frame;
  }
  return last;
}

function printItem(cli: Cli, item: StreamItem): void {
  if (item.kind === "frame") printFrame(cli, item.frame);
  else
    printNotice(cli, item.kind === "lost" ? `connection lost (${item.reason}); reconnecting` : "reconnected");
}

function printFrame({ output }: Cli, frame: StreamFrame): void {
  const line = output.human ? frameLine(frame, output.style()) : output.json(frame);
  if (line !== undefined) output.raw(`${line}\n`);
}

/** Notices are no events: they go where they cannot spoil what a program reads. */
function printNotice({ output, context }: Cli, notice: string): void {
  context.terminal.err(`${output.style().colors.dim(notice)}\n`);
}
