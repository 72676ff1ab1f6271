import { resolve } from "node:path";
import type { Cli } from "../../cli.ts";
import type { RootPlace } from "../../context.ts";
import { UsageError } from "../../errors.ts";

export interface PlaceFlags {
  stateRoot?: string;
  store?: string;
}

export const STATE_ROOT_FLAG = "--state-root <path>";
export const STORE_FLAG = "--store <sqlite|url>";

/** The root that a command works on by itself. Never a default: the wrong root is worse than a question. */
export function placeFrom({ stateRoot, store }: PlaceFlags, { context }: Cli): RootPlace {
  const path = stateRoot ?? context.env.KHEISH_STATE_ROOT;
  if (!path) throw new UsageError("name the state root: --state-root <path>");
  const kind = store ?? (context.env.KHEISH_STORE || "sqlite");
  // Says who gave the value, never the value: it may hold a password.
  if (kind !== "sqlite" && !/^postgres(ql)?:\/\//.test(kind))
    throw new UsageError(
      `${store === undefined ? "KHEISH_STORE" : "--store"} must be 'sqlite' or a postgres:// URL`,
    );
  return {
    stateRoot: resolve(context.workingDirectory, path),
    store: kind,
  };
}
