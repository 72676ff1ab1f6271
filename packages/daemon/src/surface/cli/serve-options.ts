import type { BudgetLimits, PermissionMode, SandboxMode } from "@kheish/contract";

/** How one daemon is to run: what `serve` and `up` make of their flags and the environment. */
export interface ServeOptions {
  bind: BindAddress;
  /** Absolute. */
  stateRoot: string;
  /** Absolute. */
  workspaceRoot: string;
  /** `sqlite`, or the URL of a PostgreSQL database. */
  store: string;
  /** Absolute. */
  routesFile?: string;
  defaultRoute?: string;
  noSimulator: boolean;
  /** Start without any route; they are added while the daemon runs (02-R38). */
  allowEmptyRoutes?: boolean;
  /** Make a master key for a state root that has none (08, `up`). */
  createMasterKey?: boolean;
  /** What provider flags say, under the names of the variables they win over (02-R26, 02-R27, 02-R31). */
  providerEnv?: Readonly<Record<string, string>>;
  /** Undefined leaves the stored mode as it is (02, A4). */
  permissionMode?: PermissionMode;
  /** 0: approvals never expire. */
  approvalTimeoutMs: number;
  maxBodyBytes?: number;
  /** Limits of the daemon's budget `model-budget`, in all; undefined leaves it as it is stored. */
  modelBudget?: BudgetLimits;
  httpAuthMode: HttpAuthMode;
  /** A token stands here or in a file, never in both. */
  adminToken?: string;
  adminTokenFile?: string;
  readonlyToken?: string;
  readonlyTokenFile?: string;
  /** Empty: any loopback origin. */
  corsAllowOrigins: string[];
  /** Exact https origins of pages on other machines. */
  corsAllowHostedOrigins?: string[];
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. */
  trustedProxies?: string[];
  /** Event streams open at a time. */
  maxStreams?: number;
  /** Of one principal but the operator; default half of all. */
  maxStreamsPerPrincipal?: number;
  /** Of one caller; absent or 0: unbounded. */
  requestsPerMinute?: number;
  eventHistoryCapacity: number;
  logFormat: LogFormat;
  logLevel: LogLevel;
  disableScheduler: boolean;
  /** How long to wait for another daemon to give up the state root; default 0. */
  lockWaitMs?: number;
  /** Export a trace of every run over OTLP; OTEL_* variables say where to. */
  otel?: boolean;
  /** A store that came out of a backup takes its original's place. */
  resumeRestored?: boolean;
  /** Where skills are found; absent: only where they are added at run time. */
  skills?: {
    /** Absolute. */
    explicit: string[];
    /** Also in the workspace's repository, the home folder, and those that come with the daemon. */
    discover: boolean;
    /** Absolute. */
    lockFile?: string;
    /** Absolute. */
    lockKeyFiles: string[];
  };
  /** Where MCP servers are configured; absent: none. */
  mcp?: {
    /** Absolute. */
    configFile?: string;
    /** Absolute. */
    credentialsFile?: string;
    discovery: McpDiscovery;
    profiles: readonly string[];
  };
  /** Whether commands and stdio servers run behind a sandbox; default auto. */
  sandbox?: SandboxMode;
  /** What they may write beside the workspace; absolute. */
  sandboxWrite?: string[];
  /** Host names, addresses and CIDR ranges that agents reach besides public hosts (03-A1). */
  networkAllow?: readonly string[];
  /** What searches the web where a run's provider does not; default `duckduckgo`. */
  webSearch?: "none" | "duckduckgo" | URL;
  /** `up` shows the console in a browser once the daemon answers. */
  open?: boolean;
}

export interface BindAddress {
  host: string;
  /** 0: any free port. */
  port: number;
}

export const sandboxModes = ["auto", "required", "off"] as const satisfies readonly SandboxMode[];
export const httpAuthModes = ["auto", "none", "bearer"] as const;
export const logFormats = ["auto", "pretty", "json"] as const;
export const logLevels = ["error", "warn", "info", "debug", "trace"] as const;
/** `auto`: a key, else a login that is there (02-R26). */
export const openaiAuthSources = ["auto", "api-key", "codex"] as const;
export const anthropicAuthSources = ["auto", "api-key", "claude-code"] as const;
export const skillDiscoveries = ["auto", "disabled"] as const;
export const mcpDiscoveries = ["auto", "disabled"] as const;
export type McpDiscovery = (typeof mcpDiscoveries)[number];
export type HttpAuthMode = (typeof httpAuthModes)[number];
export type LogFormat = (typeof logFormats)[number];
export type LogLevel = (typeof logLevels)[number];
