import { resolve } from "node:path";
import type { BudgetLimits } from "@kheish/contract";
import { NetworkAllowError, networkAllow } from "../../../governance/outbound/network-allow.ts";
import { OutboundRefused } from "../../../governance/outbound/refused.ts";
import { checkTarget } from "../../../governance/outbound/target.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { present } from "../present.ts";
import {
  type BindAddress,
  httpAuthModes,
  logFormats,
  logLevels,
  mcpDiscoveries,
  type ServeOptions,
  sandboxModes,
  skillDiscoveries,
} from "../serve-options.ts";
import { permissionModeFrom, permissionModeNames } from "./permission-mode.ts";
import { providerEnv } from "./provider-flags.ts";
import { type ServeSetting, serveSettings } from "./serve-settings.ts";
import { type FlagValues, SettingReader } from "./setting.ts";

type Reader = SettingReader<ServeSetting>;

const DEFAULT_BIND = "127.0.0.1:4000";
const DEFAULT_STATE_ROOT = ".kheish-daemon";
const DEFAULT_EVENT_HISTORY = 2_048;
/** A drain takes two seconds at most (02-R97). */
const DEFAULT_LOCK_WAIT_MS = 5_000;
const LARGEST_EVENT_HISTORY = 262_144;

/** A flag wins over its variable, a variable over the default. */
export function serveOptions(flags: FlagValues, { env, workingDirectory }: CliContext): ServeOptions {
  const reader = new SettingReader(serveSettings, flags, env);
  const path = (text: string) => resolve(workingDirectory, text);
  const routesFile = reader.text("routesFile");
  return {
    bind: bindAddress(reader),
    stateRoot: path(reader.text("stateRoot") ?? DEFAULT_STATE_ROOT),
    workspaceRoot: path(reader.text("workspaceRoot") ?? "."),
    store: storeFrom(reader),
    noSimulator: reader.enabled("simulator"),
    allowEmptyRoutes: reader.enabled("allowEmptyRoutes"),
    providerEnv: providerEnv(reader, path),
    approvalTimeoutMs: reader.wholeNumber("approvalTimeoutMs") ?? 0,
    httpAuthMode: reader.choice("httpAuthMode", httpAuthModes) ?? "auto",
    corsAllowOrigins: reader.list("httpCorsAllowOrigin"),
    eventHistoryCapacity: eventHistoryCapacity(reader),
    logFormat: reader.choice("logFormat", logFormats) ?? "auto",
    logLevel: reader.choice("logLevel", logLevels) ?? "info",
    disableScheduler: reader.enabled("disableScheduler"),
    lockWaitMs: reader.wholeNumber("lockWaitMs") ?? DEFAULT_LOCK_WAIT_MS,
    otel: reader.enabled("otel"),
    resumeRestored: reader.enabled("resumeRestored"),
    ...tokens(reader, path),
    ...present({
      routesFile: routesFile && path(routesFile),
      defaultRoute: reader.text("defaultRoute"),
      permissionMode: permissionMode(reader),
      maxBodyBytes: reader.wholeNumber("maxBodyBytes"),
      corsAllowHostedOrigins: someOf(reader.list("httpCorsAllowHostedOrigin")),
      trustedProxies: someOf(reader.list("httpTrustedProxy")),
      maxStreams: atLeastOne(reader, "httpMaxStreams"),
      maxStreamsPerPrincipal: atLeastOne(reader, "httpMaxStreamsPerPrincipal"),
      requestsPerMinute: reader.wholeNumber("httpRateLimit"),
      modelBudget: modelBudget(reader),
      sandbox: reader.choice("sandbox", sandboxModes),
      sandboxWrite: someOf(reader.list("sandboxWrite").map(path)),
      networkAllow: allowedNetwork(reader),
      webSearch: webSearch(reader),
    }),
    mcp: mcpSettings(reader, path),
    skills: skillSettings(reader, path),
  };
}

/** A profile may also stand in a list with commas. */
function mcpSettings(reader: Reader, path: (text: string) => string): NonNullable<ServeOptions["mcp"]> {
  const [config, credentials] = [reader.text("mcpConfig"), reader.text("mcpCredentials")];
  const profiles = reader.list("mcpProfile").flatMap((text) => text.split(","));
  return {
    discovery: reader.choice("mcpDiscovery", mcpDiscoveries) ?? "auto",
    profiles: profiles.map((id) => id.trim()).filter((id) => id !== ""),
    ...present({
      configFile: config && path(config),
      credentialsFile: credentials && path(credentials),
    }),
  };
}

/** A path may also stand in a list with commas. */
function skillSettings(reader: Reader, path: (text: string) => string): NonNullable<ServeOptions["skills"]> {
  const paths = (name: "skillRoot" | "skillLockKey") =>
    reader
      .list(name)
      .flatMap((text) => text.split(","))
      .map((text) => text.trim())
      .filter((text) => text !== "")
      .map(path);
  const lock = reader.text("skillLock");
  return {
    explicit: paths("skillRoot"),
    discover: reader.choice("skillDiscovery", skillDiscoveries) !== "disabled",
    lockKeyFiles: paths("skillLockKey"),
    ...present({ lockFile: lock && path(lock) }),
  };
}

/** `host:port`, with an IPv6 host in brackets. */
function bindAddress(reader: Reader): BindAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(reader.text("bind") ?? DEFAULT_BIND);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535)
    throw reader.refusal("bind", "must be host:port, such as 127.0.0.1:4000");
  return { host, port };
}

function storeFrom(reader: Reader): string {
  const store = reader.text("store") ?? "sqlite";
  if (store === "sqlite" || /^postgres(ql)?:\/\//.test(store)) return store;
  throw reader.refusal("store", "must be 'sqlite' or a postgres:// URL");
}

function permissionMode(reader: Reader): ServeOptions["permissionMode"] {
  const text = reader.text("permissionMode");
  if (text === undefined) return undefined;
  const mode = permissionModeFrom(text);
  if (mode !== undefined) return mode;
  throw reader.refusal("permissionMode", `must be one of ${permissionModeNames.join(", ")}`);
}

function modelBudget(reader: Reader): BudgetLimits | undefined {
  const limits = present({
    output_tokens: reader.wholeNumber("modelBudgetMaxTotalOutputTokens"),
    cost_microusd: microUsd(reader, "modelBudgetMaxTotalCostUsd"),
  });
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function microUsd(reader: Reader, name: ServeSetting): number | undefined {
  const text = reader.text(name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * 1_000_000);
  throw reader.refusal(name, "must be an amount of US dollars, such as 500 or 0.25");
}

function allowedNetwork(reader: Reader): string[] | undefined {
  const entries = reader.list("networkAllow");
  try {
    networkAllow(entries);
  } catch (error) {
    if (!(error instanceof NetworkAllowError)) throw error;
    const place = entries.indexOf(error.entry) + 1;
    throw reader.refusal(
      "networkAllow",
      `must be a host name, an address or a range such as 10.0.0.0/8, and entry ${place} is none of them`,
    );
  }
  return someOf(entries);
}

function webSearch(reader: Reader): ServeOptions["webSearch"] {
  const text = reader.text("webSearch");
  if (text === undefined || text === "none" || text === "duckduckgo") return text;
  try {
    return checkTarget(text, { namedBy: "operator" }).url;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    throw reader.refusal("webSearch", `must be none, duckduckgo or the URL of a SearXNG: ${error.message}`);
  }
}

function eventHistoryCapacity(reader: Reader): number {
  const wanted = reader.wholeNumber("eventHistoryCapacity") ?? DEFAULT_EVENT_HISTORY;
  return Math.min(LARGEST_EVENT_HISTORY, Math.max(1, wanted));
}

function someOf(list: string[]): string[] | undefined {
  return list.length === 0 ? undefined : list;
}

function atLeastOne(reader: Reader, name: ServeSetting): number | undefined {
  const value = reader.wholeNumber(name);
  if (value === 0) throw reader.refusal(name, "must be at least 1");
  return value;
}

type Tokens = Pick<ServeOptions, "adminToken" | "adminTokenFile" | "readonlyToken" | "readonlyTokenFile">;

function tokens(reader: Reader, path: (text: string) => string): Tokens {
  const admin = secret(reader, "httpAdminToken", "httpAdminTokenFile");
  const readonly = secret(reader, "httpReadonlyToken", "httpReadonlyTokenFile");
  return present({
    adminToken: admin.inline,
    adminTokenFile: admin.file && path(admin.file),
    readonlyToken: readonly.inline,
    readonlyTokenFile: readonly.file && path(readonly.file),
  });
}

/** A secret stands inline or in a file. One on the command line hides both variables. */
function secret(reader: Reader, inline: ServeSetting, file: ServeSetting) {
  const named = reader.onCommandLine(inline) || reader.onCommandLine(file);
  const value = (name: ServeSetting) =>
    !named || reader.onCommandLine(name) ? reader.text(name) : undefined;
  const found = { inline: value(inline), file: value(file) };
  if (found.inline !== undefined && found.file !== undefined) {
    const [flag] = serveSettings[inline].flag.split(" ");
    throw new UsageError(`give ${flag} or ${flag}-file, not both`);
  }
  return found;
}
