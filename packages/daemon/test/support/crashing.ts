import { killable } from "./around.ts";
import type { BootOptions, Rig, RiggedDaemon } from "./rig.ts";

export interface DoomedDaemon extends RiggedDaemon {
  /** From here on the process neither reads nor writes; what it had in hand is lost. */
  kill: () => void;
}

/** A daemon that dies when the test says so. The next one on the same data finds what it had committed. */
export async function bootDoomed(rig: Rig, options: BootOptions = {}): Promise<DoomedDaemon> {
  let kill = () => {};
  const daemon = await rig.boot({
    ...options,
    wrap: (inner) => {
      const doomed = killable(options.wrap?.(inner) ?? inner);
      kill = doomed.kill;
      return doomed.store;
    },
  });
  return { ...daemon, kill: () => kill() };
}
