import type { Json, PermissionRule, RunStatus, TaskStatus } from "@kheish/contract";
import type { EffectClass, LedgerOutcome } from "../../../src/engine/index.ts";

/** What the durable commits say, kept apart from the code that wrote them, so that both must agree. */
export class Facts {
  readonly streams = new Map<string, number>();
  readonly runs = new Map<string, RunFacts>();
  readonly calls = new Map<string, CallFacts>();
  readonly approvals = new Map<string, ApprovalFacts>();
  readonly questions = new Map<string, { run: string; answered: boolean }>();
  /** Lease name -> slot of the daemon that holds it. */
  readonly leases = new Map<string, { slot: number; token: number }>();
  /** By the account's id. */
  readonly accounts = new Map<string, AccountFacts>();
  readonly owners = new Map<string, number>();
  /** What was acknowledged to clients, by submission. */
  readonly acknowledged = new Map<string, Set<string>>();
  /** Submissions that were answered with a run, or with how it ended. */
  readonly heard = new Set<string>();
  /** Why submissions were refused; another copy of the same may have come at a better time. */
  readonly refused = new Map<string, string>();

  /** What each slot and subject may be at the end: as it was last acknowledged, or as an act made it that is unheard. */
  readonly custody = new Map<string, Custody>();
  readonly hooks = {
    /** What a hook is called about -> its key; its key -> the words. */
    keys: new Map<string, string>(),
    inputs: new Map<string, string>(),
    counted: new Set<string>(),
    announced: new Set<string>(),
    /** Call -> whether its guard blocked it. */
    guards: new Map<string, boolean>(),
    /** Calls that a hook allowed in the place of a human. */
    allowed: new Set<string>(),
  };
  /** Every revision of the settings that landed, and what was said of them. */
  readonly settings: {
    revisions: Json[];
    acknowledged: { id: string; known: number; revision: number }[];
  } = { revisions: [], acknowledged: [] };

  /** Background commands, by their record's id. */
  readonly tasks = new Map<string, TaskFacts>();
  readonly access = new AccessFacts();
  /** By session. */
  readonly rules = new Map<string, RuleFacts>();
  readonly laws = new LawFacts();

  /** By session: the tools that active skills take away. */
  readonly skills = new Map<string, Set<string>>();

  skillsOf(session: string): Set<string> {
    const known = this.skills.get(session);
    if (known !== undefined) return known;
    const active = new Set<string>();
    this.skills.set(session, active);
    return active;
  }

  rulesOf(session: string): RuleFacts {
    const known = this.rules.get(session);
    if (known !== undefined) return known;
    const rules: RuleFacts = { remembered: [] };
    this.rules.set(session, rules);
    return rules;
  }

  run(id: string): RunFacts {
    const known = this.runs.get(id);
    if (known !== undefined) return known;
    const run: RunFacts = { id, session: "", turns: 0, restarts: 0, holds: 0 };
    this.runs.set(id, run);
    return run;
  }

  call(id: string, run: string): CallFacts {
    const known = this.calls.get(id);
    if (known !== undefined) return known;
    const call: CallFacts = { id, run, keys: new Set(), dispatches: 0, allowances: 1 };
    this.calls.set(id, call);
    return call;
  }

  account(id: string): AccountFacts {
    const known = this.accounts.get(id);
    if (known !== undefined) return known;
    const account: AccountFacts = { calls: 0, extended: 0 };
    this.accounts.set(id, account);
    return account;
  }

  runsOf(session: string): RunFacts[] {
    return [...this.runs.values()].filter((run) => run.session === session);
  }
}

/** Who may use what, as the durable commits say. Times are counted in what happened, not in milliseconds. */
export class AccessFacts {
  #moment = 0;
  /** Subjects that are revoked and slots that cannot be used, each since when. */
  readonly barred = new Map<string, number>();
  /** Tokens that live. */
  readonly tokens = new Map<string, TokenFacts>();
  /** Tokens that are no more, each since when. */
  readonly revoked = new Map<string, number>();
  /** Runs that were refused a credential, and why. */
  readonly denied = new Map<string, string>();
  /** Where the calls of a run go, once it has fallen back. */
  readonly fallbacks = new Map<string, string>();

  now(): number {
    this.#moment += 1;
    return this.#moment;
  }
}

/** A rule of the daemon's own. */
export type Law = Pick<
  PermissionRule,
  "rule_id" | "scope" | "tool_name_pattern" | "behavior" | "reason" | "expires_at_ms" | "revision"
> & { order: number };

/** The daemon's rules as they were one after the other. */
export class LawFacts {
  /** Each with the process that wrote it. */
  readonly versions: { by: string; landedMs: number; rules: ReadonlyMap<string, Law> }[] = [
    { by: "nobody", landedMs: 0, rules: new Map() },
  ];
  /** The version that there was when a process began, by its name. */
  readonly bootedAt = new Map<string, number>();
  /** By what stands in a rule as its reason. */
  readonly written: { id: string; revision: number }[] = [];
  readonly acknowledged: { id: string; known: number; revision: number }[] = [];

  get latest(): ReadonlyMap<string, Law> {
    return this.versions.at(-1)?.rules ?? new Map();
  }

  change(by: string, landedMs: number, make: (rules: Map<string, Law>) => void): void {
    const rules = new Map(this.latest);
    make(rules);
    this.versions.push({ by, landedMs, rules });
  }

  onBoot(process: string): void {
    this.bootedAt.set(process, this.versions.length - 1);
  }
}

export interface TokenFacts {
  name: string;
  since: number;
  parent?: string;
  verbs: readonly string[];
  resources: readonly string[];
}

/** The state of a slot that does not exist. */
export const ABSENT = "absent";

export function custodyOf(facts: Facts, key: string): Custody {
  const known = facts.custody.get(key) ?? { unheard: new Set() };
  facts.custody.set(key, known);
  return known;
}

/** States as text; `acknowledged` is undefined until somebody heard of one. */
export interface Custody {
  acknowledged?: string;
  unheard: Set<string>;
}

export interface TaskFacts {
  id: string;
  status: TaskStatus;
  /** When it was last changed; what is over stays as it is. */
  revision: number;
  host: string;
  /** True time of the first commit that asks for it. */
  stopRequestedAt?: number;
}

export interface RunFacts {
  id: string;
  session: string;
  status?: RunStatus;
  acceptedSeq?: number;
  startedSeq?: number;
  endedSeq?: number;
  /** Answers of the model so far. */
  turns: number;
  restarts: number;
  /** Reservations for a model call. */
  holds: number;
  /** The accounts of the reservation that is not settled yet. */
  held?: string[];
}

/** What was taken out of a budget in one window. */
export interface AccountFacts {
  calls: number;
  /** Calls that approvals have added. */
  extended: number;
}

export interface Remembering {
  scope: "run" | "session" | "once";
  expires_at_ms?: number | undefined;
}

/** What a session's calls of `bash` are judged by. */
export interface RuleFacts {
  /** The rule that its ruler changes. */
  own?: "allow" | "ask" | "deny";
  remembered: { id: string; behavior: "allow" | "deny"; input: Json; run?: string; endsAtMs?: number }[];
}

export interface CallFacts {
  id: string;
  run: string;
  tool?: string;
  effect?: EffectClass;
  input?: Json;
  keys: Set<string>;
  dispatches: number;
  /** How often a `once` effect may leave: once, and again for each time that somebody knew it had not happened. */
  allowances: number;
  /** By a rule, without anybody's answer to this call. */
  isAllowed?: boolean;
  finished?: { ledger: LedgerOutcome; output: Json; isError: boolean };
}

export interface ApprovalFacts {
  call: string;
  /** It would extend a budget; no call waits for it. */
  isBudget: boolean;
  run: string;
  session: string;
  askedAtMs: number;
  decision?: { behavior: "allow" | "deny"; input?: Json; by: string; remember?: Remembering };
}
