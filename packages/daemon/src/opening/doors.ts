import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Daemon } from "../compose/world.ts";
import { JUDGE_QUEUE, SESSION_QUEUE, TIMER_QUEUE } from "../engine/index.ts";
import { docsBindings, docsIn } from "../features/docs/index.ts";
import { HOOK_QUEUE } from "../features/hooks/index.ts";
import { logBindings } from "../features/logs/index.ts";
import { metricsBindings } from "../features/metrics/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { packageFile, packageVersion } from "../kernel/package.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Models } from "../model/index.ts";
import type { ServeOptions } from "../surface/cli/serve-options.ts";
import {
  type AuthSettings,
  type CorsSettings,
  checkHttpSettings,
  consoleIn,
  type HttpOptions,
  type HttpServer,
  startHttpServer,
} from "../surface/http/index.ts";
import { readText } from "./environment.ts";
import type { Ground } from "./ground.ts";

/** Who comes in. */
export interface DoorSettings {
  auth: AuthSettings;
  cors: CorsSettings;
}

/** Throws `ServeConfigError` where they would let in whom the operator did not mean. */
export function doorSettings(options: ServeOptions): DoorSettings {
  const { bind, adminToken, adminTokenFile, readonlyToken, readonlyTokenFile } = options;
  const auth = {
    mode: options.httpAuthMode,
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(adminTokenFile === undefined ? {} : { adminTokenFile }),
    ...(readonlyToken === undefined ? {} : { readOnlyToken: readonlyToken }),
    ...(readonlyTokenFile === undefined ? {} : { readOnlyTokenFile: readonlyTokenFile }),
  };
  const cors = {
    allowedOrigins: options.corsAllowOrigins,
    hostedOrigins: options.corsAllowHostedOrigins ?? [],
  };
  checkHttpSettings({ bind, auth, cors, trustedProxies: options.trustedProxies ?? [] });
  return { auth, cors };
}

/** The daemon over HTTP, with what is only there because this process is: its log, its metrics, the pages. */
export function openDoors(
  ground: Ground,
  settings: DoorSettings,
  daemon: Daemon,
  models: Models,
): Promise<HttpServer> {
  const { options, log, lines, redactor, store, stateRoot, metrics, refusals } = ground;
  return startHttpServer({
    ...settings,
    bind: options.bind,
    bindings: [
      ...daemon.bindings,
      ...logBindings(lines),
      ...docsBindings(docsIn(published("docs", "../../docs"))),
      ...metricsBindings(metrics, {
        store,
        clock: systemClock,
        status: daemon.status,
        routes: () => models.readiness(),
        queues: [SESSION_QUEUE, JUDGE_QUEUE, TIMER_QUEUE, HOOK_QUEUE],
        diskUsedRatio: () => diskUsedRatio(stateRoot.path),
      }),
    ],
    onAnswer: (answer) => metrics.request(answer),
    console: consoleIn(published("console", "../console/dist")),
    readFile: async (path) => {
      const text = await readText(path);
      redactor.hold(`file:${path}`, [text]);
      return text;
    },
    redact: (value) => redactor.json(value),
    logger: log,
    clock: systemClock,
    random: systemRandom,
    version: packageVersion(),
    readiness: daemon.isReady,
    isRootHeld: () => stateRoot.lock.held,
    namedTokens: daemon.namedTokens,
    browserSessions: daemon.browserSessions,
    onSecurityEvent: (event) => refusals.record(event),
    ...httpLimits(options),
  });
}

/** In the published package a folder of its own, in a checkout where it is written or built. */
function published(name: string, inCheckout: string): string {
  const own = fileURLToPath(packageFile(name));
  return existsSync(own) ? own : fileURLToPath(packageFile(inCheckout));
}

async function diskUsedRatio(path: string): Promise<number> {
  const { blocks, bavail } = await statfs(path);
  return blocks === 0 ? 0 : 1 - bavail / blocks;
}

function httpLimits(options: ServeOptions): Partial<HttpOptions> {
  const { maxBodyBytes, maxStreams, maxStreamsPerPrincipal, requestsPerMinute, trustedProxies } = options;
  return {
    ...(maxBodyBytes === undefined ? {} : { bodyLimitBytes: maxBodyBytes }),
    ...(maxStreams === undefined ? {} : { maxStreams }),
    ...(maxStreamsPerPrincipal === undefined ? {} : { maxStreamsPerPrincipal }),
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
  };
}
