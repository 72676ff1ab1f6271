import type {
  BudgetLimits,
  DaemonStatusView,
  DebugLevel,
  PermissionMode,
  SandboxStatus,
} from "@kheish/contract";
import type { ModelPort, RouteResolver, RunLimits, ToolPort } from "../engine/index.ts";
import type { ArchiveOf } from "../features/backup/index.ts";
import type { Binding } from "../features/binding.ts";
import type { DebugCapture } from "../features/debug/index.ts";
import type { HookCallers, WatchDirectory } from "../features/hooks/index.ts";
import type { LoadedMcp } from "../features/mcp/index.ts";
import type { StatusSources } from "../features/runtime/index.ts";
import type { LoadedSkills } from "../features/skills/index.ts";
import type { TaskOutputs } from "../features/tasks/index.ts";
import type { Accounts } from "../governance/accounts/accounts.ts";
import type { Audit } from "../governance/audit/index.ts";
import type { Credentials } from "../governance/credentials.ts";
import type { Blobs } from "../kernel/blobs.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { StorageProbe } from "../kernel/storage-probe.ts";
import type { Store } from "../kernel/store.ts";
import type { Env, LiveRoutes, LoadedRoutes, RouteLoader } from "../model/index.ts";
import type { BrowserSessions, NamedTokens } from "../surface/http/index.ts";
import type { CommandLauncher, HeldCommands } from "../tools/bash/index.ts";
import type { McpServers } from "../tools/mcp/index.ts";
import type { ProcessTraces } from "../tools/process/traces.ts";
import type { SkillLibrary } from "../tools/skills/index.ts";

/** Everything a daemon is made of that touches the world. The simulation brings its own. */
export interface World {
  store: Store;
  blobs: Blobs;
  clock: Clock;
  random: Random;
  models: ModelPort & RouteResolver & { live?: LiveRoutes };
  /** Where the routes came from; absent where they cannot be read again. */
  routes?: { loaded: LoadedRoutes; loader: RouteLoader; env: Env };
  tools: ToolPort;
  /** The MCP servers whose tools are among `tools`, and how to read which there should be; absent: there are none. */
  mcp?: { servers: McpServers; load: () => Promise<LoadedMcp> };
  /** The library that skill tools among `tools` read, and how to look through folders; absent: no folders. */
  skills?: { library: SkillLibrary; load: () => Promise<LoadedSkills> };
  audit: Audit;
  /** What commands in the background are run with; absent: there are none. */
  shells?: {
    launcher: CommandLauncher;
    held: HeldCommands;
    outputs: TaskOutputs;
    traces: ProcessTraces;
    /** The longest that one may run. */
    maxMs: number;
  };
  /** How hooks outside of the engine are called; a kind that is left out fails. */
  hooks?: Pick<HookCallers, "command" | "http" | "callback">;
  /** What the system says of changes in a directory; absent: paths that hooks watch are only looked at. */
  watchDirectory?: WatchDirectory;
  log: Log;
  credentials: Credentials;
  /** Absent where no account can be refreshed: its endpoints are not there either. */
  accounts?: Accounts;
}

export interface DaemonSettings {
  /** Owner of leases and claims; stable for one state root. */
  instanceId: string;
  workspaceRoot: string;
  stateRoot: string;
  stateRootLock: StatusSources["stateRootLock"];
  limits: RunLimits;
  permissionMode?: PermissionMode;
  /** What the daemon may use in all, as it was told at its start (02-A6). */
  modelBudget?: BudgetLimits;
  approvalTimeoutMs: number;
  eventHistoryCapacity: number;
  /** Sessions driven at one time. */
  concurrency: number;
  queuedLagThresholdMs: number;
  staleThresholdMs: number;
  processId: number;
  controlPlane: StatusSources["controlPlane"];
  /** What keeps debug evidence. Absent: this daemon keeps none. */
  debug?: DebugCapture;
  /** What keeps commands apart from the machine. */
  sandbox?: SandboxStatus;
  /** Whether the daemon's directories can be written to (02-R98). */
  probeStorage: () => Promise<StorageProbe[]>;
  /** A store that came out of a backup may act from now on; see `isHeldCopy`. */
  releaseRestoredCopy?: boolean;
  /** What a backup is made of. Absent: this daemon makes none. */
  archive?: () => Promise<ArchiveOf>;
}

/** A daemon without its doors: the services, their bindings and the workers behind them. */
export interface Daemon {
  bindings: Binding[];
  /** For whoever guards the doors. */
  namedTokens: NamedTokens;
  browserSessions: BrowserSessions;
  status: () => Promise<DaemonStatusView>;
  /** What is captured of the runs that begin now. */
  debugLevel: () => DebugLevel;
  /** False from the moment a drain begins. */
  isReady: () => boolean;
  start(): Promise<void>;
  /** Checkpoint and stop: nothing new begins, what runs gets until the deadline. */
  drain(deadlineMs: number): Promise<void>;
}

/** Who holds this daemon's leases and claims. */
export function ownerOf(instanceId: string): string {
  return `daemon-${instanceId}`;
}
