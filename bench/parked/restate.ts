import { setTimeout as pause } from "node:timers/promises";
import { Restate } from "../peers/restate/index.ts";
import { closedLoop } from "../support/load.ts";
import type { ParkingSide } from "./side.ts";

const AT_ONCE = 64;

/** Its own application lives on when the server is killed: that is a process of its own. */
export async function restateParking(): Promise<ParkingSide> {
  const restate = await Restate.start();
  return {
    name: "restate",
    versions: restate.versions,
    async park(from, to) {
      const before = await restate.suspendedCount();
      await closedLoop(AT_ONCE, to - from, (index) => restate.park(`parked-${from + index}`));
      while ((await restate.suspendedCount()) < before + to - from) await pause(250);
    },
    count: () => restate.waitingCount(),
    kill: () => restate.server.kill(),
    start: () => restate.server.start(),
    async approve(number) {
      const begun = performance.now();
      await restate.approve(`parked-${number}`);
      return performance.now() - begun;
    },
    rssMb: () => restate.server.rssMb(),
    remove: () => restate.remove(),
  };
}
