import type { PermissionMode } from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Store } from "../../kernel/store.ts";
import type { KeyedMutex } from "../keyed-mutex.ts";
import type { RunLimits } from "../limits.ts";
import type { AuthorityPort, ModelDelta, ModelPort, ToolPort, ToolRuntimeLimits } from "../ports.ts";

/** A line for the operator's log; fields hold ids, never content or secrets. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the loop works with; everything comes in from `main.ts`. */
export interface LoopDeps {
  store: Store;
  clock: Clock;
  blobs: Blobs;
  mutex: KeyedMutex;
  model: ModelPort;
  tools: ToolPort;
  authority: AuthorityPort;
  log: Log;
  limits: RunLimits;
  toolLimits: ToolRuntimeLimits;
  workspaceRoot: string;
  /** Approvals expire after this long; 0 = never. Sessions may say otherwise (01-A10). */
  approvalTimeoutMs: number;
  /** The daemon-wide mode in force now. */
  permissionMode: () => PermissionMode;
  /** Shows text as it is produced; never history (01-A9). */
  onDelta: (delta: ModelDelta & { session_id: string; run_id: string; turn: number }) => void;
}
