import type { Weather } from "./weather.ts";

/**
 * One simulated history before it happens: everything a seed decides that is worth leaving out when a failure is
 * shrunk. What is left to the moment (latencies, order) is drawn from the seed while it runs.
 */
export interface Plan {
  seed: number;
  weather: Weather;
  /** Two daemons share one store, as on PostgreSQL. */
  daemons: 1 | 2;
  /** Real files, whose last write may be torn. */
  onFiles: boolean;
  /** A small context window, so that prompts are compacted. */
  contextTokens?: number;
  /** What all model calls of the daemon together may use; it stands in the store before anybody is there. */
  budget?: BudgetPlan;
  /** How model calls reach a provider; absent: the simulator, of which nobody asks a key. */
  access?: AccessPlan;
  /** Hooks that guard, decide and watch; they stand in the settings before anybody is there. */
  hooks?: HookPlan;
  /** Some calls begin commands in the background. */
  commands?: boolean;
  /** An MCP server outside; absent: there is none. */
  remote?: RemotePlan;
  sessions: SessionPlan[];
  submissions: SubmissionPlan[];
  interventions: Intervention[];
  deaths: Death[];
  watchers: WatcherPlan[];
  operators: OperatorPlan[];
  rulers: RulerPlan[];
  legislators: LegislatorPlan[];
  librarians: LibrarianPlan[];
}

export interface HookPlan {
  timeoutMs: number;
}

export interface RemotePlan {
  deaths: { atMs: number; downMs: number }[];
  /** Of a hundred calls, those whose first answer is lost. */
  lost: number;
}

export interface BudgetPlan {
  modelCalls: number;
  /** So few that calls wait for what others hold, and that a call which is cut off costs much of it. */
  totalTokens?: number;
  window: "total" | "hour";
  onLimit: "ask" | "fail";
  /** Everybody comes at once, to whichever session has nobody yet. */
  rush: boolean;
  /** Every answer of the model takes at least so long. */
  callMs: number;
}

export interface AccessPlan {
  /** Each call needs a lease on the provider's slot, which is there before anybody is. */
  leased: boolean;
  /** The slot holds an account, of which tokens have to be refreshed; absent: a key for ever. */
  account?: AccountPlan;
  /** Of a hundred turns, those in which the first route of the chain is overloaded; 0: there is no chain. */
  overloaded: number;
}

export interface AccountPlan {
  /** How long an access token is good. */
  lifetimeS: number;
  /** Of one request for tokens: that the server has no time, and that the request or its answer is lost. */
  failing: number;
  lost: number;
  /** How long a request is on its way at most, and so is its answer. */
  travelMs: number;
  /** The provider ends the first login then. */
  endsAtMs?: number;
}

export interface SessionPlan {
  id: string;
  unknownOutcome: "tell_model" | "ask_operator";
  /** 0: approvals never expire. */
  approvalTimeoutMs: number;
  onTimeout: "deny" | "cancel";
}

/** One wish of one client. */
export interface SubmissionPlan {
  id: string;
  atMs: number;
  session: string;
  /** With an idempotency key it is sent until it is acknowledged; without one it is sent once. */
  keyed: boolean;
  /** Clients that send the same key at the same time. */
  copies: number;
  /** `/input` waits for the run; `/runs` queues it. */
  mode: "detached" | "inline";
  turns: TurnPlan[];
}

export interface TurnPlan {
  text: string;
  delayMs: number;
  chunks: number;
  error?: { status: number; times: number };
  calls: CallPlan[];
}

export type RemoteTool = "mcp__remote__look" | "mcp__remote__upsert" | "mcp__remote__send";
export type ToolName =
  | "begin"
  | "look"
  | "upsert"
  | "send"
  | "store_file"
  | "bash"
  | "ask_user_question"
  | RemoteTool;

/** One call of a tool, named so that the outside world, the journal and the clients all mean the same one. */
export interface CallPlan {
  id: string;
  tool: ToolName;
  /** Few different ones: calls of one turn may well ask for the same thing. */
  /** A call that leaves for another process says which one it is: nothing else of ours gets there. */
  input: { n: number; call?: string };
  behaviour: "works" | "refuses" | "fails_late" | "hangs" | "throws";
  /** Bytes of its answer. */
  bytes: number;
  /** Of a question: 0 = it waits for as long as it takes. */
  expiresAfterMs: number;
  /** What whoever is asked about it says, and when. */
  answers: AnswerPlan[];
}

/** How one person deals with an approval or a question: two of them race. */
export interface AnswerPlan {
  afterMs: number;
  /** `edit` allows another input; `expire` says nothing. */
  say: "allow" | "deny" | "edit" | "expire" | "cancel";
  /** Sent again when the answer got lost, under one key. */
  keyed: boolean;
  /** Of an approval: for how far, and how long at most, it answers the same again; 0 = as long as that lasts. */
  remember?: { scope: "run" | "session"; forMs: number };
}

export type Intervention =
  | { kind: "cancel"; atMs: number; submission: string }
  | { kind: "interrupt"; atMs: number; session: string; clearQueue: boolean }
  | { kind: "stop_task"; atMs: number; session: string }
  | { kind: "drain"; atMs: number; daemon: number; downMs: number }
  | { kind: "pause"; atMs: number; daemon: number; forMs: number }
  | { kind: "step_clock"; atMs: number; daemon: number; byMs: number }
  | { kind: "goal"; atMs: number; session: string }
  | { kind: "custody"; atMs: number; acts: CustodyAct[] }
  | { kind: "tokens"; atMs: number; acts: TokenAct[] };

/** What an administrator and those who hold tokens do with them, one after the other; by the names of tokens. */
export type TokenAct = { pauseMs: number } & (
  | { act: "create"; name: string; by?: string; verbs: ("read" | "write" | "admin")[]; resources: string[] }
  | { act: "use" | "revoke"; name: string }
);

/** What an operator does with secrets and those who use them, one after the other. */
export type CustodyAct = { pauseMs: number } & (
  | { act: "put"; slot: string; secret: string }
  | { act: "delete" | "disable" | "enable" | "revoke_leases"; slot: string }
  | { act: "revoke" | "reinstate"; session: string }
  | { act: "rekey"; key: number }
);

/**
 * Where a process dies: at a time, or at its n-th commit and on which side of it. `paused` does not kill it: what it
 * wrote has landed, and it hears of it only when another daemon may have taken over.
 */
export type Death = { downMs: number } & (
  | { at: "time"; atMs: number; daemon: number }
  | { at: "commit"; commit: number; side: "before" | "after" | "unheard" | "torn" | "paused" }
);

/** Changes of settings that no run notices. */
export interface OperatorPlan {
  changes: { id: string; afterMs: number; back: boolean; calls: number }[];
}

/** Changes of a session's one rule; `none` takes it back. */
export interface RulerPlan {
  session: string;
  changes: { afterMs: number; behavior: "allow" | "ask" | "deny" | "none" }[];
}

/** Changes of the daemon's own rules, of which there are two; `none` takes one back. */
export interface LegislatorPlan {
  changes: RuleChangePlan[];
}

export interface RuleChangePlan {
  /** Stands in the rule as its reason. */
  id: string;
  afterMs: number;
  rule: "wide-0" | "wide-1";
  scope: "user" | "project";
  pattern: "bash" | "ba*";
  behavior: "allow" | "ask" | "deny" | "none";
  /** How long it is to hold; 0 = until somebody takes it back. */
  forMs: number;
}

/** What becomes active in a session and ends again: skills, each of which takes one tool away. */
export interface LibrarianPlan {
  session: string;
  acts: { afterMs: number; act: "activate" | "deactivate"; tool: "look" | "upsert" | "send" }[];
}

export interface WatcherPlan {
  atMs: number;
  scope: { kind: "global" } | { kind: "session"; session: string } | { kind: "run"; submission: string };
  /** Frames after which it loses its connection. */
  dropsAfter: number[];
  /** How long it takes over each frame. */
  readMs: number;
}
