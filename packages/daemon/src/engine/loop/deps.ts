import type { PermissionMode, SystemPromptSettings } from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../kernel/store.ts";
import type { AuditPort } from "../audit-port.ts";
import type { BudgetBook } from "../budgets/book.ts";
import type { HookPort } from "../hooks/port.ts";
import type { KnownSessions } from "../known-sessions.ts";
import type { RunLimits } from "../limits.ts";
import type { RuleBook } from "../permissions/rule-book.ts";
import type {
  AuthorityPort,
  ModelDelta,
  ModelPort,
  PricePort,
  RouteResolver,
  ToolPort,
  ToolRuntimeLimits,
} from "../ports.ts";
import type { SkillPort } from "../skills/port.ts";
import type { TaskPort } from "../tasks/port.ts";
import type { StateCache } from "./state-cache.ts";

/** What the loop works with; everything comes in from `compose`. */
export interface LoopDeps {
  store: Store;
  clock: Clock;
  blobs: Blobs;
  mutex: KeyedMutex;
  model: ModelPort;
  budgets: BudgetBook;
  prices: PricePort;
  /** For the runs that a goal begins. */
  routes: RouteResolver;
  tools: ToolPort;
  /** What prompts tell of skills. */
  skills: SkillPort;
  authority: AuthorityPort;
  audit: AuditPort;
  /** The rules of user and project scope. */
  rules: RuleBook;
  hooks: HookPort;
  log: Log;
  limits: RunLimits;
  /** In force now; a batch keeps those it began with (02-R11), see `Driver.toolLimits`. */
  toolLimits: () => ToolRuntimeLimits;
  states: StateCache;
  known: KnownSessions;
  workspaceRoot: string;
  /** For tools that read tasks or wait for them. */
  tasks: TaskPort;
  /** Who runs commands in the background, and for how long at most; absent: nobody. */
  shells?: { host: string; maxMs: number };
  /** Approvals expire after this long; 0 = never. Sessions may say otherwise (01-A10). */
  approvalTimeoutMs: number;
  /** The daemon-wide mode in force now. */
  permissionMode: () => PermissionMode;
  /** What the operator made of the system prompt, for the next model call. */
  systemPrompt: () => SystemPromptSettings;
  /** Shows text as it is produced; never history (01-A9). */
  onDelta: (delta: ModelDelta & { session_id: string; run_id: string; turn: number }) => void;
}
