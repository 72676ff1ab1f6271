import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import type { DaemonPlace } from "./daemon/supervised-daemon.ts";
import { Dice } from "./dice.ts";
import { clockStep, SteppedClock } from "./faults/clock-step.ts";
import { cutNetwork } from "./faults/cut-network.ts";
import { diskFull } from "./faults/disk-full.ts";
import type { Fault } from "./faults/fault.ts";
import { postgresRestart } from "./faults/postgres-restart.ts";
import { SmallDisk } from "./faults/small-disk.ts";
import { TcpProxy } from "./faults/tcp-proxy.ts";
import type { ChaosOptions } from "./options.ts";
import { ToolServer } from "./outside/tool-server.ts";

const STEPPING_CLOCK = fileURLToPath(new URL("./daemon/stepping-clock.ts", import.meta.url));

/** Everything around the daemon: where it lives, what it reaches, and what will happen to that. */
export interface Stage {
  dice: Dice;
  world: ToolServer;
  place: DaemonPlace;
  faults: Fault[];
  /** The daemon's, when it may be stepped. */
  clock: SteppedClock | undefined;
}

/** Whoever runs chaos: what it says meanwhile, and what it leaves to be undone. */
export interface Surroundings {
  say: (line: string) => void;
  cleanup: AsyncDisposableStack;
}

/** Builds what the options ask for; everything is undone by the cleanup, whatever happened. */
export async function buildStage(options: ChaosOptions, { cleanup }: Surroundings): Promise<Stage> {
  const dice = new Dice(options.seed);
  const directory = await mkdtemp(join(tmpdir(), "kheish-chaos-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const workspace = join(directory, "workspace");
  const stateRoot = join(directory, "state");
  for (const folder of [workspace, stateRoot]) await mkdir(folder);

  const faults: Fault[] = [];
  const has = (name: ChaosOptions["faults"][number]) => options.faults.includes(name);
  if (has("disk-full")) {
    const disk = await SmallDisk.mount(stateRoot);
    cleanup.defer(() => disk.unmount());
    faults.push(diskFull(disk));
  }
  const world = await ToolServer.start(dice.for("world"), options.loseAcks);
  cleanup.defer(() => world.stop());
  let store = "sqlite";
  if (options.store === "postgres") {
    const server = await startPostgres();
    cleanup.defer(() => server.stop());
    store = await server.createDatabase();
    if (has("postgres-restart")) faults.push(postgresRestart(server));
    if (has("cut-network")) {
      const proxy = await openProxy(server, cleanup);
      store = `postgres://postgres@127.0.0.1:${proxy.port}${new URL(store).pathname}`;
      faults.push(cutNetwork(proxy));
    }
  }
  const clock = has("clock-step") ? await SteppedClock.create(join(directory, "clock")) : undefined;
  if (clock !== undefined) faults.push(clockStep(clock));
  return {
    dice,
    world,
    faults,
    clock,
    place: {
      stateRoot,
      workspace,
      log: join(directory, "daemon.log"),
      store,
      worldUrl: world.url,
      nodeFlags: clock === undefined ? [] : ["--import", STEPPING_CLOCK],
      env: clock === undefined ? {} : { KHEISH_CHAOS_CLOCK: clock.file },
    },
  };
}

async function openProxy(server: PostgresServer, cleanup: AsyncDisposableStack): Promise<TcpProxy> {
  const proxy = new TcpProxy(server.socket);
  await proxy.open();
  cleanup.defer(() => proxy.close());
  return proxy;
}

/** The daemon's log outlives the cleanup; answers where, if there is one. */
export async function keepLog({ place }: Stage, seed: string): Promise<string | undefined> {
  const kept = join(tmpdir(), `kheish-chaos-${seed.replaceAll(/[^\w.-]/g, "_")}.log`);
  return copyFile(place.log, kept).then(
    () => kept,
    () => undefined,
  );
}
