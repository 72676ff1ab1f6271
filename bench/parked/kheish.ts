import { Daemon } from "../support/daemon.ts";
import { approve, park, parkedCount } from "../support/parked.ts";
import type { ParkingSide } from "./side.ts";

export async function kheishParking(): Promise<ParkingSide> {
  const daemon = await Daemon.start();
  return {
    name: "kheish",
    versions: {},
    park: (from, to) => park(daemon, from, to),
    count: () => parkedCount(daemon),
    kill: () => daemon.process.kill(),
    start: () => daemon.process.start(),
    approve: (number) => approve(daemon, number),
    rssMb: () => daemon.process.rssMb(),
    remove: () => daemon.remove(),
  };
}
