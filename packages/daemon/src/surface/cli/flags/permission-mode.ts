import type { PermissionMode } from "@kheish/contract";

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
