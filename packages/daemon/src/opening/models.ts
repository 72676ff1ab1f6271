import { realpath } from "node:fs/promises";
import type { DebugLevel } from "@kheish/contract";
import type { World } from "../compose/world.ts";
import { DebugCapture, debugPolicy } from "../features/debug/index.ts";
import { settledLogins, takeOverLogins } from "../governance/accounts/route-logins.ts";
import { auditedFetch } from "../governance/audit/index.ts";
import { routeCredentials } from "../governance/broker/route-credentials.ts";
import { redactedModels } from "../governance/redaction/redacted-models.ts";
import { systemClock } from "../kernel/clock.ts";
import { fileFailure } from "../kernel/errno.ts";
import { systemRandom } from "../kernel/random.ts";
import {
  checkAuthRefs,
  checkedLoader,
  createModels,
  type Models,
  RouteConfigError,
  type RouteLoader,
  type RouteSet,
  routeLoader,
  withCatalogue,
} from "../model/index.ts";
import { type Env, readText, textSource, wholeNumber } from "./environment.ts";
import type { Governance } from "./governance.ts";
import type { Ground } from "./ground.ts";
import { configuredFetch } from "./network.ts";
import { StartError } from "./start-error.ts";

export interface ModelSide {
  models: Models;
  routes: NonNullable<World["routes"]>;
  debug: DebugCapture;
}

/** The routes to models, with the credentials that they need, and what keeps evidence of their calls. */
export async function openModels(
  ground: Ground,
  governance: Governance,
  debugLevel: () => DebugLevel,
): Promise<ModelSide> {
  const { options, env, store, blobs, log, redactor, metrics } = ground;
  const { credentials, accounts } = governance;
  const providerEnv = await settledLogins({
    vault: credentials.vault,
    env: { ...env, ...options.providerEnv },
    readFile: readText,
  });
  const loader = await openLoader(ground, governance, providerEnv);
  const admit = admission(ground, governance, providerEnv);
  const loaded = await loader.load().catch((error: unknown) => {
    throw ofFile(error, options.routesFile);
  });
  await admit(loaded.set);

  const debug = new DebugCapture({
    store,
    clock: systemClock,
    random: systemRandom,
    log,
    redactor,
    policy: debugPolicy((variable, fallback) => wholeNumber(env, variable, fallback)),
    key: textSource(env, "KHEISH_DEBUG_CAPTURE_KEY"),
    redactTokens: textSource(env, "KHEISH_DEBUG_REDACT_TOKENS"),
    level: debugLevel,
  });
  const models = createModels({
    evidence: debug,
    routes: loaded.set,
    credentials: routeCredentials(credentials, accounts, log),
    redact: (text) => redactor.foreignText(text),
    clock: systemClock,
    random: systemRandom,
    fetch: configuredFetch(),
    blobs,
    onWarning: (warning) => log.debug({ ...warning }, "a provider ignored a setting"),
  });
  return {
    models: metrics.models(redactedModels(models, redactor)),
    routes: { loaded, loader: checkedLoader(loader, admit), env: providerEnv },
    debug,
  };
}

async function openLoader({ options, log }: Ground, { audit }: Governance, env: Env): Promise<RouteLoader> {
  const { noSimulator, allowEmptyRoutes = false, defaultRoute, routesFile } = options;
  return routeLoader({
    env,
    noSimulator,
    allowEmpty: allowEmptyRoutes,
    readFile: readText,
    enrich: (set) =>
      withCatalogue(set, {
        env,
        fetch: auditedFetch(audit.ledger, "route_discovery", configuredFetch()),
        clock: systemClock,
        onFailure: (url, reason) => log.warn({ url, reason }, "OpenRouter's models are not known"),
      }),
    ...(defaultRoute === undefined ? {} : { defaultRoute }),
    ...(routesFile === undefined ? {} : { path: await canonical(routesFile) }),
  });
}

/** What routes go through before they are in force, at the start and whenever they are read again. */
function admission({ options, redactor }: Ground, { credentials: { vault } }: Governance, env: Env) {
  return async ({ configured }: RouteSet): Promise<void> => {
    await takeOverLogins(configured, { vault, env, readFile: readText });
    // 02-R25: routes may come later, and so may their slots, where a daemon may be empty.
    if (options.allowEmptyRoutes !== true) checkAuthRefs(configured, (slotId) => vault.status(slotId));
    for (const { route_id, credential } of configured) {
      if (credential.kind === "key") redactor.hold(`route:${route_id}`, [credential.secret.reveal()]);
    }
  };
}

/** Which file it is: errors of routes do not say, as they are also answers to callers who need not know. */
function ofFile(error: unknown, routesFile: string | undefined): unknown {
  if (!(error instanceof RouteConfigError) || routesFile === undefined) return error;
  return new StartError(`${routesFile}: ${error.message}`, { cause: error });
}

async function canonical(routesFile: string): Promise<string> {
  try {
    return await realpath(routesFile);
  } catch (error) {
    const why = fileFailure(error) ?? "it cannot be read";
    throw new StartError(`cannot read the routes file ${routesFile}: ${why}`, { cause: error });
  }
}
