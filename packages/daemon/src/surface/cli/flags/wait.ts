import type { Command } from "commander";
import type { Environment } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { WaitLimits } from "../wait.ts";
import { decimalNumber, wholeNumber } from "./numbers.ts";

export interface WaitFlags {
  wait?: boolean;
  pollIntervalMs: number;
  timeout?: number;
}

const SHORTEST_POLL_MS = 50;
const DEFAULT_GRACE_MS = 15_000;

/** For commands that start something and may stay until it settles. */
export function addWaitFlags(command: Command, pollIntervalMs: number): Command {
  return addPatienceFlags(
    command.option("--wait", "stay until the run has ended or waits for a human"),
    pollIntervalMs,
  );
}

/** For commands that do nothing but wait. */
export function addPatienceFlags(command: Command, pollIntervalMs: number): Command {
  return command
    .option("--poll-interval-ms <n>", "between two looks, at least 50", wholeNumber(0), pollIntervalMs)
    .option("--timeout <seconds>", "stop waiting after this long (exit code 7)", decimalNumber(0));
}

export function waitLimits(flags: WaitFlags, env: Environment): WaitLimits {
  return {
    pollIntervalMs: Math.max(SHORTEST_POLL_MS, flags.pollIntervalMs),
    graceMs: graceMs(env),
    ...(flags.timeout !== undefined && { timeoutMs: flags.timeout * 1_000 }),
  };
}

function graceMs({ KHEISH_DAEMON_WAIT_TRANSIENT_ERROR_GRACE_MS: text }: Environment): number {
  if (!text) return DEFAULT_GRACE_MS;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError("KHEISH_DAEMON_WAIT_TRANSIENT_ERROR_GRACE_MS must be a number of milliseconds");
}
