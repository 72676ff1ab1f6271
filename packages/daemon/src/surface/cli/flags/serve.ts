import { resolve } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { present } from "../present.ts";
import {
  type BindAddress,
  httpAuthModes,
  logFormats,
  logLevels,
  type ServeOptions,
} from "../serve-options.ts";
import { permissionModeFrom, permissionModeNames } from "./permission-mode.ts";
import { addSettings, type FlagValues, type Setting, SettingReader } from "./setting.ts";

/** Named as commander names the values of the flags. */
const settings = {
  bind: { flag: "--bind <host:port>", env: "KHEISH_BIND", help: "where to listen; default 127.0.0.1:4000" },
  stateRoot: {
    flag: "--state-root <path>",
    env: "KHEISH_STATE_ROOT",
    help: "where everything durable lives; default .kheish-daemon",
  },
  workspaceRoot: {
    flag: "--workspace-root <path>",
    env: "KHEISH_WORKSPACE_ROOT",
    help: "the folder that agents work in; default the current one",
  },
  store: {
    flag: "--store <sqlite|url>",
    env: "KHEISH_STORE",
    help: "sqlite in the state root (default), or a postgres:// URL that daemons share",
  },
  routesFile: { flag: "--routes-file <path>", env: "KHEISH_ROUTES_FILE", help: "model routes, TOML" },
  defaultRoute: {
    flag: "--default-route <id>",
    env: "KHEISH_DEFAULT_ROUTE",
    help: "route of runs that name none",
  },
  simulator: {
    flag: "--no-simulator",
    env: "KHEISH_NO_SIMULATOR",
    help: "leave out the route that needs no key",
  },
  permissionMode: {
    flag: "--permission-mode <mode>",
    env: "KHEISH_PERMISSION_MODE",
    help: permissionModeNames.join(", "),
  },
  approvalTimeoutMs: {
    flag: "--approval-timeout-ms <n>",
    env: "KHEISH_APPROVAL_TIMEOUT_MS",
    help: "how long an approval may wait; 0 (default) is for ever",
  },
  httpAuthMode: {
    flag: "--http-auth-mode <mode>",
    env: "KHEISH_HTTP_AUTH_MODE",
    help: `${httpAuthModes.join(", ")}; default auto: bearer as soon as there is a token`,
  },
  httpAdminToken: {
    flag: "--http-admin-token <token>",
    env: "KHEISH_DAEMON_ADMIN_TOKEN",
    help: "the token that may do everything",
  },
  httpAdminTokenFile: {
    flag: "--http-admin-token-file <path>",
    env: "KHEISH_DAEMON_ADMIN_TOKEN_FILE",
    help: "file with that token",
  },
  httpReadonlyToken: {
    flag: "--http-readonly-token <token>",
    env: "KHEISH_DAEMON_READONLY_TOKEN",
    help: "the token that may only look",
  },
  httpReadonlyTokenFile: {
    flag: "--http-readonly-token-file <path>",
    env: "KHEISH_DAEMON_READONLY_TOKEN_FILE",
    help: "file with that token",
  },
  httpCorsAllowOrigin: {
    flag: "--http-cors-allow-origin <origin>",
    env: "KHEISH_HTTP_CORS_ALLOW_ORIGINS",
    help: "browser origin to accept, repeatable; default any on loopback",
    repeatable: true,
  },
  eventHistoryCapacity: {
    flag: "--event-history-capacity <n>",
    env: "KHEISH_EVENT_HISTORY_CAPACITY",
    help: "events a stream can replay; default 2048",
  },
  logFormat: {
    flag: "--log-format <format>",
    env: "KHEISH_LOG_FORMAT",
    help: `${logFormats.join(", ")}; default auto: pretty on a terminal`,
  },
  logLevel: {
    flag: "--log-level <level>",
    env: "KHEISH_LOG_LEVEL",
    help: `${logLevels.join(", ")}; default info`,
  },
  disableScheduler: {
    flag: "--disable-scheduler",
    env: "KHEISH_DISABLE_SCHEDULER",
    help: "let no schedule fire",
  },
  maxBodyBytes: {
    flag: "--max-body-bytes <n>",
    env: "KHEISH_MAX_BODY_BYTES",
    help: "largest request body",
    hidden: true,
  },
} satisfies Record<string, Setting>;

type SettingName = keyof typeof settings;
type Reader = SettingReader<SettingName>;

const DEFAULT_BIND = "127.0.0.1:4000";
const DEFAULT_STATE_ROOT = ".kheish-daemon";
const DEFAULT_EVENT_HISTORY = 2_048;
const LARGEST_EVENT_HISTORY = 262_144;

export function addServeFlags(command: Command): Command {
  return addSettings(command, settings);
}

/** A flag wins over its variable, a variable over the default. */
export function serveOptions(flags: FlagValues, { env, workingDirectory }: CliContext): ServeOptions {
  const reader = new SettingReader(settings, flags, env);
  const path = (text: string) => resolve(workingDirectory, text);
  const routesFile = reader.text("routesFile");
  return {
    bind: bindAddress(reader),
    stateRoot: path(reader.text("stateRoot") ?? DEFAULT_STATE_ROOT),
    workspaceRoot: path(reader.text("workspaceRoot") ?? "."),
    store: storeFrom(reader),
    noSimulator: reader.enabled("simulator"),
    approvalTimeoutMs: reader.wholeNumber("approvalTimeoutMs") ?? 0,
    httpAuthMode: reader.choice("httpAuthMode", httpAuthModes) ?? "auto",
    corsAllowOrigins: reader.list("httpCorsAllowOrigin"),
    eventHistoryCapacity: eventHistoryCapacity(reader),
    logFormat: reader.choice("logFormat", logFormats) ?? "auto",
    logLevel: reader.choice("logLevel", logLevels) ?? "info",
    disableScheduler: reader.enabled("disableScheduler"),
    ...tokens(reader, path),
    ...present({
      routesFile: routesFile && path(routesFile),
      defaultRoute: reader.text("defaultRoute"),
      permissionMode: permissionMode(reader),
      maxBodyBytes: reader.wholeNumber("maxBodyBytes"),
    }),
  };
}

/** `host:port`, with an IPv6 host in brackets. */
function bindAddress(reader: Reader): BindAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(reader.text("bind") ?? DEFAULT_BIND);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw reader.refusal("bind", "must be host:port");
  return { host, port };
}

function storeFrom(reader: Reader): string {
  const store = reader.text("store") ?? "sqlite";
  if (store === "sqlite" || /^postgres(ql)?:\/\//.test(store)) return store;
  throw reader.refusal("store", "must be 'sqlite' or a postgres:// URL");
}

function permissionMode(reader: Reader): ServeOptions["permissionMode"] {
  const text = reader.text("permissionMode");
  const mode = text && permissionModeFrom(text);
  if (text && !mode)
    throw reader.refusal("permissionMode", `must be one of ${permissionModeNames.join(", ")}`);
  return mode || undefined;
}

function eventHistoryCapacity(reader: Reader): number {
  const wanted = reader.wholeNumber("eventHistoryCapacity") ?? DEFAULT_EVENT_HISTORY;
  return Math.min(LARGEST_EVENT_HISTORY, Math.max(1, wanted));
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
function secret(reader: Reader, inline: SettingName, file: SettingName) {
  const named = reader.onCommandLine(inline) || reader.onCommandLine(file);
  const value = (name: SettingName) => (!named || reader.onCommandLine(name) ? reader.text(name) : undefined);
  const found = { inline: value(inline), file: value(file) };
  if (found.inline !== undefined && found.file !== undefined) {
    throw new UsageError(`give the token of ${settings[inline].flag.split(" ")[0]} or its file, not both`);
  }
  return found;
}
