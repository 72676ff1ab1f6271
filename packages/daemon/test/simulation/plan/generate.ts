import { Prng } from "../world/prng.ts";
import { PROVIDER_SLOT } from "../world/provider.ts";
import type {
  AccessPlan,
  AccountPlan,
  AnswerPlan,
  BudgetPlan,
  CallPlan,
  CustodyAct,
  Death,
  HookPlan,
  Intervention,
  LegislatorPlan,
  LibrarianPlan,
  OperatorPlan,
  Plan,
  RemotePlan,
  RulerPlan,
  SessionPlan,
  SubmissionPlan,
  TokenAct,
  ToolName,
  TurnPlan,
  WatcherPlan,
} from "./plan.ts";
import { forecast } from "./weather.ts";

const TOOLS: readonly ToolName[] = [
  "look",
  "look",
  "upsert",
  "send",
  "send",
  "store_file",
  "bash",
  "bash",
  "ask_user_question",
];

/** Everything that a seed decides beforehand. */
export function generate(seed: number): Plan {
  const prng = new Prng(seed).fork("plan");
  const weather = forecast(prng);
  const access = accessPlan(new Prng(seed).fork("access"));
  // Whoever shares an account shares it with another daemon.
  const daemons = prng.chance(0.4) || (access?.account !== undefined && seed % 3 > 0) ? 2 : 1;
  const onFiles = daemons === 1 && prng.chance(0.15);
  const sessions = Array.from({ length: prng.int(1, 3) }, (_, index) => sessionPlan(prng, `s${index}`));
  const compacts = prng.chance(0.15);
  const remote = remotePlan(new Prng(seed).fork("remote"));
  const planned = Array.from({ length: prng.int(1, 6) }, (_, index) =>
    submissionPlan(prng, `u${index}`, prng.pick(sessions).id, compacts),
  );
  const submissions = remote === undefined ? planned : remotely(new Prng(seed).fork("remote calls"), planned);
  const hooks = hookPlan(new Prng(seed).fork("hooks"));
  const budget = budgetPlan(new Prng(seed).fork("budget"));
  const commands = commandCalls(new Prng(seed).fork("commands"), submissions);
  return {
    seed,
    weather,
    daemons,
    onFiles,
    ...(compacts ? { contextTokens: 20_000 } : {}),
    ...(budget === undefined ? {} : { budget }),
    ...(access === undefined ? {} : { access }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(remote === undefined ? {} : { remote }),
    sessions,
    ...(commands.length > 0 ? { commands: true } : {}),
    submissions: beginning(
      new Set(commands),
      budget === undefined
        ? remembering(new Prng(seed).fork("remember"), submissions)
        : inARush(budget, sessions, submissions),
    ),
    interventions: [
      ...interventions(prng, daemons, sessions, submissions),
      // From a stream of their own, so that a seed's other decisions do not move when these do.
      ...custodians(new Prng(seed).fork("custody"), sessions),
      ...(access?.leased === true ? [providersCustodian(new Prng(seed).fork("provider"), sessions)] : []),
      ...tokenHolders(new Prng(seed).fork("tokens")),
      ...(commands.length > 0 ? stoppers(new Prng(seed).fork("stoppers"), sessions) : []),
    ],
    deaths: deaths(prng, daemons, onFiles),
    watchers: Array.from({ length: prng.int(0, 3) }, () => watcherPlan(prng, sessions, submissions)),
    operators: operators(new Prng(seed).fork("operators")),
    // Who comes first to a budget is not moved by who comes for a rule.
    rulers: budget === undefined ? rulers(new Prng(seed).fork("rules"), sessions) : [],
    legislators: budget === undefined ? legislators(new Prng(seed).fork("laws")) : [],
    librarians: budget === undefined ? librarians(new Prng(seed).fork("skills"), sessions, compacts) : [],
  };
}

/** In some histories calls of `look` and `send` begin commands in the background instead. */
function commandCalls(prng: Prng, submissions: readonly SubmissionPlan[]): string[] {
  if (!prng.chance(0.35)) return [];
  const calls = submissions.flatMap(({ turns }) => turns.flatMap((turn) => turn.calls));
  return calls
    .filter(({ tool }) => (tool === "look" || tool === "send") && prng.chance(0.6))
    .map(({ id }) => id);
}

function beginning(ids: ReadonlySet<string>, submissions: SubmissionPlan[]): SubmissionPlan[] {
  if (ids.size === 0) return submissions;
  const begun = (call: CallPlan): CallPlan => (ids.has(call.id) ? { ...call, tool: "begin" } : call);
  return submissions.map((submission) => ({
    ...submission,
    turns: submission.turns.map((turn) => ({ ...turn, calls: turn.calls.map(begun) })),
  }));
}

function stoppers(prng: Prng, sessions: readonly SessionPlan[]): Intervention[] {
  return Array.from({ length: prng.int(0, 3) }, () => ({
    kind: "stop_task" as const,
    atMs: prng.int(200, 6_000),
    session: prng.pick(sessions).id,
  }));
}

const ENOUGH_CALLS = 20;
/** In some histories people answer for more than one call. */
function remembering(prng: Prng, submissions: SubmissionPlan[]): SubmissionPlan[] {
  if (!prng.chance(0.4)) return submissions;
  const remembered = (answer: AnswerPlan): AnswerPlan =>
    prng.chance(0.6)
      ? {
          ...answer,
          remember: { scope: prng.pick(["run", "session", "session"]), forMs: prng.pick([0, 0, 700, 5_000]) },
        }
      : answer;
  const answered = (call: CallPlan): CallPlan =>
    call.tool === "bash" ? { ...call, answers: call.answers.map(remembered) } : call;
  return submissions.map((submission) => ({
    ...submission,
    turns: submission.turns.map((turn) => ({ ...turn, calls: turn.calls.map(answered) })),
  }));
}

/** In some histories the rules of a session change while it works. */
function rulers(prng: Prng, sessions: readonly SessionPlan[]): RulerPlan[] {
  if (!prng.chance(0.3)) return [];
  return sessions
    .filter(() => prng.chance(0.6))
    .map(({ id }) => ({
      session: id,
      changes: Array.from({ length: prng.int(1, 6) }, () => ({
        afterMs: prng.pick([0, 20, 300, 1_500]),
        behavior: prng.pick(["allow", "ask", "deny", "none"]),
      })),
    }));
}

/** In some histories the daemon's own rules change, by two people as a rule, who want the same ones. */
function legislators(prng: Prng): LegislatorPlan[] {
  if (!prng.chance(0.3)) return [];
  return Array.from({ length: prng.pick([1, 2, 2]) }, (_, legislator) => ({
    changes: Array.from({ length: prng.int(1, 6) }, (_each, change) => ({
      id: `l${legislator}.${change}`,
      afterMs: prng.pick([0, 0, 20, 300, 1_500]),
      rule: prng.pick(["wide-0", "wide-1"] as const),
      scope: prng.pick(["user", "user", "project"] as const),
      pattern: prng.pick(["bash", "ba*"] as const),
      behavior: prng.pick(["allow", "allow", "ask", "deny", "none"] as const),
      forMs: prng.pick([0, 0, 700, 3_000]),
    })),
  }));
}

/** Whoever comes back does so before everything has to settle. */
function remotePlan(prng: Prng): RemotePlan | undefined {
  if (!prng.chance(0.3)) return undefined;
  return {
    deaths: Array.from({ length: prng.pick([0, 1, 2, 3]) }, () => ({
      atMs: prng.int(0, 6_000),
      downMs: prng.pick([50, 400, 3_000]),
    })),
    lost: prng.pick([0, 30, 60]),
  };
}

/** Some of what the daemon's own tools would do is asked of a server outside, and somebody is asked first. */
function remotely(prng: Prng, submissions: SubmissionPlan[]): SubmissionPlan[] {
  const sent = (call: CallPlan): CallPlan => {
    const { id, tool, input } = call;
    if ((tool !== "look" && tool !== "upsert" && tool !== "send") || !prng.chance(0.7)) return call;
    const say = prng.pick(["allow", "allow", "allow", "allow", "allow", "deny", "expire"] as const);
    const answers = [{ afterMs: prng.pick([0, 10, 500]), say, keyed: prng.chance(0.5) }];
    const upstream = prng.pick(["look", "upsert", "send"] as const);
    return { ...call, tool: `mcp__remote__${upstream}`, input: { ...input, call: id }, answers };
  };
  return submissions.map((submission) => ({
    ...submission,
    turns: submission.turns.map((turn) => ({ ...turn, calls: turn.calls.map(sent) })),
  }));
}

/** In some histories skills are active; more often where prompts are cut, which must not make the model forget them. */
function librarians(prng: Prng, sessions: readonly SessionPlan[], compacts: boolean): LibrarianPlan[] {
  if (!prng.chance(compacts ? 0.6 : 0.25)) return [];
  const first = (): LibrarianPlan["acts"][number] => ({
    afterMs: 0,
    act: "activate",
    tool: prng.pick(["upsert", "send"]),
  });
  return sessions
    .filter(() => prng.chance(0.7))
    .map(({ id }) => ({
      session: id,
      acts: [
        ...(compacts ? [first()] : []),
        ...Array.from({ length: prng.int(1, 5) }, () => ({
          afterMs: prng.pick([0, 20, 300, 1_500, 3_000]),
          act: prng.pick(["activate", "activate", "deactivate"] as const),
          tool: prng.pick(["look", "upsert", "send"] as const),
        })),
      ],
    }));
}

function hookPlan(prng: Prng): HookPlan | undefined {
  return prng.chance(0.3) ? { timeoutMs: prng.pick([5_000, 30_000]) } : undefined;
}

/** Of a draw of its own, so that a plan without a budget is what it was. */
function budgetPlan(prng: Prng): BudgetPlan | undefined {
  if (!prng.chance(0.3)) return undefined;
  const totalTokens = prng.pick([0, 40_000, 80_000]);
  const rush = prng.chance(0.6);
  const plan: BudgetPlan = {
    modelCalls: rush ? prng.pick([1, 1, 2, 2, 3]) : prng.pick([0, 1, 2, 3, 5, 8]),
    ...(totalTokens === 0 ? {} : { totalTokens }),
    window: prng.pick(["total", "hour"]),
    onLimit: prng.pick(["ask", "ask", "fail"]),
    rush,
    callMs: prng.pick([0, 0, 600, 2_500]),
  };
  // Where the number of calls does not end it first, calls wait for the tokens that others hold.
  return totalTokens !== 0 && prng.chance(0.3) ? { ...plan, modelCalls: ENOUGH_CALLS } : plan;
}

function accessPlan(prng: Prng): AccessPlan | undefined {
  const leased = prng.chance(0.2);
  const overloaded = prng.chance(0.2) ? prng.pick([30, 60, 100]) : 0;
  const account = prng.chance(leased ? 0.6 : 0.15) ? accountPlan(prng) : undefined;
  if (account !== undefined) return { leased: true, overloaded, account };
  return leased || overloaded > 0 ? { leased, overloaded } : undefined;
}

function accountPlan(prng: Prng): AccountPlan {
  const calm = prng.chance(0.4);
  return {
    lifetimeS: prng.pick([1, 2, 5, 30]),
    travelMs: prng.pick([40, 40, 700, 3_000]),
    failing: calm ? 0 : prng.pick([0, 0.3, 0.6]),
    lost: calm ? 0 : prng.pick([0.1, 0.3, 0.5]),
    ...(prng.chance(0.3) ? { endsAtMs: prng.int(500, 6_000) } : {}),
  };
}

/** Whoever wants the same of a budget at the same time meets at its end, and a slow call is met by whatever goes wrong. */
function inARush(
  { rush, callMs }: BudgetPlan,
  sessions: readonly SessionPlan[],
  submissions: readonly SubmissionPlan[],
): SubmissionPlan[] {
  return submissions.map((submission, index) => ({
    ...submission,
    ...(rush ? { atMs: 1_000, session: sessions[index % sessions.length]?.id ?? submission.session } : {}),
    turns: submission.turns.map((turn) => ({ ...turn, delayMs: Math.max(turn.delayMs, callMs) })),
  }));
}

function sessionPlan(prng: Prng, id: string): SessionPlan {
  return {
    id,
    unknownOutcome: prng.pick(["tell_model", "tell_model", "ask_operator"]),
    approvalTimeoutMs: prng.pick([0, 0, 2_000, 20_000]),
    onTimeout: prng.pick(["deny", "deny", "cancel"]),
  };
}

function submissionPlan(prng: Prng, id: string, session: string, compacts: boolean): SubmissionPlan {
  const keyed = prng.chance(0.7);
  const long = compacts && prng.chance(0.5);
  const turns = long ? 12 : prng.int(0, 4);
  return {
    id,
    atMs: prng.int(0, 3_000),
    session,
    keyed,
    copies: keyed && prng.chance(0.3) ? prng.int(2, 3) : 1,
    mode: prng.chance(0.15) ? "inline" : "detached",
    turns: Array.from({ length: turns }, (_, index) =>
      long ? longTurn(id, index) : turnPlan(prng, `${id}.${index}`),
    ),
  };
}

/** About a thousand tokens each, so that a dozen of them do not fit into a small window. */
function longTurn(id: string, index: number): TurnPlan {
  const call = { id: `${id}.${index}.0`, tool: "look", behaviour: "works", bytes: 2_600 } as const;
  const input = { n: index };
  return { text: "", delayMs: 0, chunks: 1, calls: [{ ...call, input, expiresAfterMs: 0, answers: [] }] };
}

function turnPlan(prng: Prng, id: string): TurnPlan {
  const calls = Array.from({ length: prng.pick([1, 1, 1, 2, 3]) }, (_, index) =>
    callPlan(prng, `${id}.${index}`, prng.pick(TOOLS)),
  );
  return {
    text: prng.chance(0.5) ? "Let me see." : "",
    delayMs: prng.pick([0, 0, 5, 200]),
    chunks: prng.pick([1, 3]),
    ...(prng.chance(0.12) ? { error: errorPlan(prng) } : {}),
    calls,
  };
}

/** What passes is tried again; what does not fails each time, in whatever process it is tried. */
function errorPlan(prng: Prng): { status: number; times: number } {
  const status = prng.pick([429, 503, 529, 400]);
  return { status, times: status === 400 ? 0 : prng.pick([1, 2, 0]) };
}

function callPlan(prng: Prng, id: string, tool: ToolName): CallPlan {
  const asks = tool === "bash" || tool === "ask_user_question";
  const racers = prng.chance(0.25) ? 2 : 1;
  return {
    id,
    tool,
    input: { n: prng.int(0, 1) },
    behaviour: prng.chance(0.75) ? "works" : prng.pick(["refuses", "fails_late", "hangs", "throws"] as const),
    bytes: prng.pick([0, 0, 50]),
    expiresAfterMs: tool === "ask_user_question" ? prng.pick([0, 0, 0, 4_000]) : 0,
    answers: asks ? Array.from({ length: racers }, () => answerPlan(prng, tool)) : [],
  };
}

function answerPlan(prng: Prng, tool: ToolName): AnswerPlan {
  const choices: AnswerPlan["say"][] = ["allow", "allow", "allow", "deny", "edit", "expire"];
  return {
    afterMs: prng.pick([0, 10, 10, 500, 5_000]),
    say: tool === "ask_user_question" && prng.chance(0.1) ? "cancel" : prng.pick(choices),
    keyed: prng.chance(0.5),
  };
}

function interventions(
  prng: Prng,
  daemons: number,
  sessions: readonly SessionPlan[],
  submissions: readonly SubmissionPlan[],
): Intervention[] {
  const some = (probability: number, most: number, make: () => Intervention) =>
    prng.chance(probability) ? Array.from({ length: prng.int(1, most) }, make) : [];
  const atMs = () => prng.int(0, 6_000);
  const daemon = () => prng.int(0, daemons - 1);
  return [
    ...some(0.4, 4, () => ({ kind: "cancel", atMs: atMs(), submission: prng.pick(submissions).id })),
    ...some(0.3, 3, () => ({
      kind: "interrupt",
      atMs: atMs(),
      session: prng.pick(sessions).id,
      clearQueue: prng.chance(0.4),
    })),
    ...some(0.25, 2, () => ({ kind: "drain", atMs: atMs(), daemon: daemon(), downMs: downMs(prng) })),
    ...some(daemons === 2 ? 0.7 : 0.1, 3, () => ({
      kind: "pause",
      atMs: atMs(),
      daemon: daemon(),
      forMs: prng.pick([1_000, 29_000, 31_000, 45_000]),
    })),
    ...some(0.15, 2, () => ({
      kind: "step_clock",
      atMs: atMs(),
      daemon: daemon(),
      byMs: prng.pick([-7_200_000, -5_000, 5_000, 7_200_000]),
    })),
    ...(prng.chance(0.1) ? aheadOfTime(atMs(), daemon()) : []),
    ...some(0.1, 1, () => ({ kind: "goal", atMs: atMs(), session: prng.pick(sessions).id })),
  ];
}

/** Each with slots of its own; the keys and the sessions are everybody's. */
function custodians(prng: Prng, sessions: readonly SessionPlan[]): Intervention[] {
  const count = prng.pick([0, 0, 1, 1, 2]);
  return Array.from({ length: count }, (_, custodian) => ({
    kind: "custody",
    atMs: prng.int(0, 4_000),
    acts: Array.from({ length: prng.int(2, 10) }, (_act, index) =>
      custodyAct(prng, custodian, index, sessions),
    ),
  }));
}

function custodyAct(
  prng: Prng,
  custodian: number,
  index: number,
  sessions: readonly SessionPlan[],
): CustodyAct {
  const pauseMs = prng.pick([0, 0, 20, 400]);
  const slot = `c${custodian}.${prng.int(0, 2)}`;
  const act = prng.pick([
    "put",
    "put",
    "put",
    "put",
    "delete",
    "disable",
    "enable",
    "rekey",
    "revoke",
    "reinstate",
  ] as const);
  if (act === "put") return { pauseMs, act, slot, secret: `secret ${custodian}.${index}` };
  if (act === "rekey") return { pauseMs, act, key: prng.int(1, 3) };
  if (act === "revoke" || act === "reinstate") return { pauseMs, act, session: prng.pick(sessions).id };
  return { pauseMs, act, slot };
}

/** One alone takes care of the provider's slot, and acts while runs use it. */
function providersCustodian(prng: Prng, sessions: readonly SessionPlan[]): Intervention {
  const slot = PROVIDER_SLOT;
  const acts = Array.from({ length: prng.int(2, 8) }, (_, index): CustodyAct => {
    const pauseMs = prng.pick([0, 100, 500, 1_500]);
    const act = prng.pick([
      "put",
      "put",
      "disable",
      "enable",
      "delete",
      "revoke_leases",
      "revoke",
      "revoke",
      "reinstate",
      "reinstate",
    ] as const);
    if (act === "put") return { pauseMs, act, slot, secret: `provider key ${index}` };
    if (act === "revoke" || act === "reinstate") return { pauseMs, act, session: prng.pick(sessions).id };
    return { pauseMs, act, slot };
  });
  return { kind: "custody", atMs: prng.int(0, 2_500), acts };
}

const VERBS: Authority["verbs"] = ["read", "write", "admin"];
const RESOURCES = ["runtime", "runtime/tokens", "sessions", "sessions/a-*", "sessions/a-1/runs"];

/** Names are unique in the plan. A token creates others, also wider ones, and goes on when it is revoked. */
function tokenHolders(prng: Prng): Intervention[] {
  if (!prng.chance(0.25)) return [];
  return Array.from({ length: prng.int(1, 2) }, (_, holder) => {
    const made: Extract<TokenAct, { act: "create" }>[] = [];
    const acts = Array.from({ length: prng.int(3, 10) }, (_act, index): TokenAct => {
      const pauseMs = prng.pick([0, 0, 1, 50, 400]);
      const act = made.length === 0 ? "create" : prng.pick(["create", "use", "use", "revoke"] as const);
      if (act !== "create") return { pauseMs, act, name: prng.pick(made).name };
      const creator = made.length > 0 && prng.chance(0.7) ? prng.pick(made) : undefined;
      const name = `t${holder}.${index}`;
      const token = { pauseMs, act, name, ...authority(prng, prng.chance(0.7) ? creator : undefined) };
      const creation = creator === undefined ? token : { ...token, by: creator.name };
      made.push(creation);
      return creation;
    });
    return { kind: "tokens", atMs: prng.int(0, 4_000), acts };
  });
}

type Authority = Pick<Extract<TokenAct, { act: "create" }>, "verbs" | "resources">;

/** Any, or some of what another has. */
function authority(prng: Prng, within: Authority = { verbs: VERBS, resources: RESOURCES }): Authority {
  const some = <T>(all: readonly T[]) => {
    const chosen = all.filter(() => prng.chance(0.6));
    return chosen.length === 0 ? [...all] : chosen;
  };
  return { verbs: some(within.verbs), resources: some(within.resources) };
}

/** What a daemon writes down under a clock that is far ahead, its successor reads under the right one. */
function aheadOfTime(atMs: number, daemon: number): Intervention[] {
  return [
    { kind: "step_clock", atMs, daemon, byMs: 7_200_000 },
    { kind: "drain", atMs: atMs + 200, daemon, downMs: 200 },
  ];
}

function downMs(prng: Prng): number {
  return prng.pick([50, 200, 200, 3_000, 40_000]);
}

function deaths(prng: Prng, daemons: number, onFiles: boolean): Death[] {
  const count = prng.pick([0, 1, 1, 2, 3, 5]);
  return Array.from({ length: count }, (): Death => {
    if (prng.chance(0.3)) {
      return {
        at: "time",
        atMs: prng.int(0, 8_000),
        daemon: prng.int(0, daemons - 1),
        downMs: downMs(prng),
      };
    }
    const sides: Extract<Death, { at: "commit" }>["side"][] = ["before", "after", "unheard"];
    if (onFiles) sides.push("torn", "torn");
    if (daemons > 1) sides.push("paused", "paused");
    const side = prng.pick(sides);
    return {
      at: "commit",
      commit: prng.int(1, prng.pick([20, 60, 150])),
      side,
      downMs: side === "paused" ? prng.pick([31_000, 45_000]) : downMs(prng),
    };
  }).sort((one, other) => (one.at === "commit" && other.at === "commit" ? one.commit - other.commit : 0));
}

/** Two of them as a rule: one alone never comes too late. */
function operators(prng: Prng): OperatorPlan[] {
  if (!prng.chance(0.3)) return [];
  return Array.from({ length: prng.pick([1, 2, 2]) }, (_, operator) => ({
    changes: Array.from({ length: prng.int(1, 5) }, (_each, change) => ({
      id: `o${operator}.${change}`,
      afterMs: prng.pick([0, 0, 20, 400, 1_500]),
      back: prng.chance(0.25),
      calls: 1_000 + prng.int(0, 1_000),
    })),
  }));
}

function watcherPlan(
  prng: Prng,
  sessions: readonly SessionPlan[],
  submissions: readonly SubmissionPlan[],
): WatcherPlan {
  return {
    atMs: prng.int(0, 2_000),
    scope: prng.pick([
      { kind: "global" },
      { kind: "session", session: prng.pick(sessions).id },
      { kind: "run", submission: prng.pick(submissions).id },
    ]),
    dropsAfter: Array.from({ length: prng.int(0, 3) }, () => prng.int(0, 15)),
    readMs: prng.pick([0, 1, 30]),
  };
}
