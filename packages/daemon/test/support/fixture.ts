import { afterEach } from "vitest";
import type { Tool } from "../../src/engine/index.ts";
import { createRig, type Rig } from "./rig.ts";

/** Makes rigs that are cleaned up after each test, however it ends. */
export function useRigs(): (
  tools: readonly Tool[] | ((incarnation: number) => readonly Tool[]),
) => Promise<Rig> {
  const rigs: Rig[] = [];
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.cleanup();
  });
  return async (tools) => {
    const rig = await createRig(typeof tools === "function" ? tools : () => tools);
    rigs.push(rig);
    return rig;
  };
}
