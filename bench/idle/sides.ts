import { setTimeout as pause } from "node:timers/promises";
import { Restate } from "../peers/restate/index.ts";
import { Daemon } from "../support/daemon.ts";
import { prepareLimit } from "../support/limit.ts";
import { closedLoop } from "../support/load.ts";
import { park } from "../support/parked.ts";
import type { ServerProcess } from "../support/server-process.ts";

/** A server that is not running yet. */
export interface Instance {
  process: ServerProcess;
  remove(): Promise<void>;
}

/** A kind of server, and some that are alike. */
export interface Side {
  name: string;
  parked: number;
  versions: Record<string, string>;
  instances: Instance[];
}

export async function bareNode(count: number): Promise<Side> {
  const program = new URL("bare-server.js", import.meta.url);
  const instances = await times(count, () => prepareLimit(program));
  return { name: "limit: bare node:http", parked: 0, versions: {}, instances };
}

export async function kheishEmpty(count: number): Promise<Side> {
  const instances = await times(count, () => Daemon.prepare());
  return { name: "kheish", parked: 0, versions: {}, instances };
}

/** One store is filled; each instance has a copy. */
export async function kheishParked(count: number, parked: number): Promise<Side> {
  const filled = await Daemon.start();
  try {
    await park(filled, 0, parked);
    await filled.process.stop();
    const instances = await times(count, () => Daemon.prepare({ stateFrom: filled.stateRoot }));
    return { name: "kheish", parked, versions: {}, instances };
  } finally {
    await filled.remove();
  }
}

export async function restateEmpty(count: number): Promise<Side> {
  const instances = await times(count, async () => withProcess(await Restate.prepare()));
  return { name: "restate", parked: 0, versions: versionsOf(instances), instances };
}

/** A single one: its data names the node's own addresses, so there can be no copies. */
export async function restateParked(parked: number): Promise<Side> {
  const restate = await Restate.start();
  await closedLoop(64, parked, (index) => restate.park(`idle-${index}`));
  while ((await restate.suspendedCount()) < parked) await pause(250);
  await restate.server.kill();
  const instances = [withProcess(restate)];
  return { name: "restate", parked, versions: restate.versions, instances };
}

function withProcess(restate: Restate): Instance & { versions: Record<string, string> } {
  return { process: restate.server, versions: restate.versions, remove: () => restate.remove() };
}

function versionsOf(instances: readonly { versions: Record<string, string> }[]): Record<string, string> {
  return instances[0]?.versions ?? {};
}

async function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let index = 0; index < count; index++) made.push(await make());
  return made;
}
