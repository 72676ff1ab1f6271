import { randomBytes } from "node:crypto";

/** A new master key: 32 bytes, base64 (02, CLI). */
export function newMasterKey(): string {
  return randomBytes(32).toString("base64");
}
