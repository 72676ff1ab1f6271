import { existsSync, readlinkSync } from "node:fs";
import { below } from "./path.ts";

/**
 * Where the system shows open descriptors as paths. Linux does: what is opened there cannot be exchanged under us.
 * Elsewhere we check before use only; the time between check and use is the stated residual.
 */
export const DESCRIPTORS = existsSync("/proc/self/fd") ? "/proc/self/fd" : undefined;

/** Whether an open file lies in the workspace now, whatever the path led to when it was opened. */
export function isInside(root: string, fd: number): boolean {
  return DESCRIPTORS === undefined || below(root, readlinkSync(`${DESCRIPTORS}/${fd}`)) !== undefined;
}
