import { compose } from "./compose.ts";
import type { RouteResolver, Tool } from "./engine/index.ts";
import { watchDirectory } from "./features/hooks/index.ts";
import { controlPlaneWarnings } from "./features/runtime/index.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { systemRandom } from "./kernel/random.ts";
import { doorSettings, openDoors } from "./opening/doors.ts";
import { type Env, readText } from "./opening/environment.ts";
import { openGovernance } from "./opening/governance.ts";
import { type Ground, openGround } from "./opening/ground.ts";
import { openHooks } from "./opening/hooks.ts";
import { openModels } from "./opening/models.ts";
import { daemonSettings } from "./opening/settings.ts";
import { StartError } from "./opening/start-error.ts";
import { openTools } from "./opening/tools.ts";
import { unreadFileWarnings } from "./opening/unread-files.ts";
import type { ServeOptions } from "./surface/cli/serve-options.ts";
import { controlPlaneStatus, type HttpServer } from "./surface/http/index.ts";

export { StartError } from "./opening/start-error.ts";

export interface RunningDaemon {
  baseUrl: string;
  /** Resolves when the daemon has stopped. */
  closed: Promise<void>;
  /** Readiness turns false, runs checkpoint, everything closes; twice is once. */
  stop(reason: string): Promise<void>;
}

/** A SIGTERM is over within two seconds, also with a tool or a client that does not listen. */
const DRAIN_MS = 1_300;
const CLOSE_MS = 400;

/**
 * Opens the world, composes the daemon, opens its doors. Rejects with `StartError`, and then nothing is left open.
 * `extraTools` stand beside the built-in ones. Who listens to signals calls `stop`.
 */
export async function serve(
  options: ServeOptions,
  env: Env = process.env,
  extraTools: readonly Tool[] = [],
): Promise<RunningDaemon> {
  const held = new AsyncDisposableStack();
  try {
    return await start(options, env, extraTools, held);
  } catch (error) {
    await held.disposeAsync();
    throw StartError.of(error);
  }
}

async function start(
  options: ServeOptions,
  env: Env,
  extraTools: readonly Tool[],
  held: AsyncDisposableStack,
): Promise<RunningDaemon> {
  const door = doorSettings(options);
  // 02-R96: the lock, then the auth store, then the routes, which may name its slots.
  const ground = await openGround(options, env, held);
  const governance = await openGovernance(ground);
  const { models, routes, debug } = await openModels(ground, governance, () => daemon.debugLevel());
  const { sandbox, ...tools } = await openTools(ground, governance, models, extraTools);

  let http: HttpServer | undefined;
  const controlPlane = async () => ({
    ...(await controlPlaneStatus({
      ...door,
      bind: options.bind,
      baseUrl: http?.baseUrl ?? "",
      readFile: readText,
    })),
  });
  const { store, blobs, log } = ground;
  const { audit, credentials, accounts } = governance;
  const daemon = compose(
    {
      store,
      blobs,
      clock: systemClock,
      random: systemRandom,
      log,
      audit,
      credentials,
      accounts,
      models,
      routes,
      ...tools,
      hooks: openHooks(ground),
      watchDirectory,
    },
    daemonSettings(ground, {
      debug,
      sandbox,
      controlPlane,
    }),
  );
  await daemon.start();
  held.defer(async () => {
    // The door stays open while runs come to rest, so that probes read 503 and not a refused connection (01-R99).
    await daemon.drain(DRAIN_MS);
    await http?.drain(CLOSE_MS);
  });
  http = await openDoors(ground, door, daemon, models);
  const lockedOut = controlPlaneWarnings(await controlPlane()).map(
    ({ message, action, related_id: file }) =>
      `${message}${file === undefined ? "" : `: ${file}`}${action === undefined ? "" : `; ${action}`}`,
  );
  const unread = unreadFileWarnings(ground.stateRoot.path);
  tellReady(ground, http.baseUrl, models, [...governance.warnings, ...lockedOut, ...unread]);
  return running(http.baseUrl, held, log);
}

function tellReady(
  { log, store, stateRoot }: Ground,
  baseUrl: string,
  models: RouteResolver,
  warnings: readonly string[],
): void {
  const [route] = models.routes();
  log.info(
    {
      base_url: baseUrl,
      console: `${baseUrl}/`,
      store: store.engine,
      state_root: stateRoot.path,
      route: route?.route_id,
    },
    "kheish is ready",
  );
  for (const warning of warnings) log.warn({}, warning);
  if (route === undefined) {
    log.warn({}, "there is no route to a model yet: add one with 'kheish runtime routes add'");
  }
  if (route?.provider === "simulator") {
    log.info({}, "the default route is the simulator, which answers without a model");
  }
}

function running(baseUrl: string, held: AsyncDisposableStack, log: Log): RunningDaemon {
  const done = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;
  const stop = async (reason: string) => {
    log.info({ reason }, "draining");
    await held.disposeAsync();
    log.info({}, "stopped");
    done.resolve();
  };
  return {
    baseUrl,
    closed: done.promise,
    stop(reason) {
      stopping ??= stop(reason);
      return stopping;
    },
  };
}
