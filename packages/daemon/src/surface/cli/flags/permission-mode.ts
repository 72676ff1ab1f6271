import type { PermissionMode } from "@kheish/contract";
import { InvalidArgumentError } from "commander";

/** The modes as the command line spells them, and as the wire does. */
const modes: Readonly<Record<string, PermissionMode>> = {
  default: "default",
  "accept-edits": "acceptEdits",
  "bypass-permissions": "bypassPermissions",
  plan: "plan",
  "dont-ask": "dontAsk",
};

export const permissionModeNames = Object.keys(modes);

/** A mode in either spelling; undefined when it is none. */
export function permissionModeFrom(text: string): PermissionMode | undefined {
  return modes[text] ?? Object.values(modes).find((mode) => mode === text);
}

/** Parses a mode of the command line. */
export function permissionMode(text: string): PermissionMode {
  const mode = permissionModeFrom(text);
  if (mode === undefined)
    throw new InvalidArgumentError(`It must be one of ${permissionModeNames.join(", ")}.`);
  return mode;
}
