/**
 * The invariants, each with the rule that it proves. A violation names its check; the list is what `--prove` reports
 * and what docs/durability.md promises.
 */
export const CHECKS = {
  accepted: "01-R26 01-R30 every accepted submission has exactly one run, and a refused one has none",
  acknowledged: "01-R90 what was acknowledged is durable: submissions, decisions, cancellations",
  idempotency: "01-R28 one key, one run: every repetition is answered with the same",
  fifo: "01-R43 01-R47 runs of a session start in the order of their acceptance, one at a time",
  transitions: "01-R37 01-R38 no illegal transition, no event of a run after its end",
  record: "01-R48 a run's record says what its events say",
  turns: "01-R90 a resumed run goes on at the turn that it had come to",
  intent: "01-R93 an effect leaves only after its intent and its permission are on disk",
  once: "01-R92 a `once` effect is never executed twice",
  ledger: "01-R93 no effect is silently dropped: what left ends settled, failed, or unknown and surfaced",
  key: "01-R92 every attempt of an `idempotent` effect carries the same key, and no other effect does",
  approvals: "03-R30 03-R31 01-A1 an approval is decided at most once, and only what was allowed runs",
  rules:
    "03-A5 03-A7 03-R20 a call is decided by the rules and answers of its session as they stand and by the daemon's as they are known, which change one revision at a time; nothing outlives its run",
  questions: "03-R37 01-A1 a question is answered at most once",
  expiry: "01-A10 03-R40 a deadline takes effect, and not before it has passed",
  waits: "01-R90 01-R91 whoever is not at an end waits for something that exists, or will be claimed",
  settles: "01-R90 when nothing goes wrong any more, everything settles",
  outcome: "01-R90 a run ends as in a world without crashes, wherever its effects allow",
  recovery: "01-R90 recovering again changes nothing",
  journal: "K3 K4 sequences have no gap, positions grow",
  streams: "01-R59 a stream delivers each durable event once, in order, across restarts",
  snapshot: "01-A8 a stream until=terminal ends with the run's end",
  secrets:
    "02-R50 02-R67 what was acknowledged of slots and subjects holds, every slot opens, all under the current key",
  fence: "K6 01-R97 whoever lost a session's lease writes nothing to its runs",
  leases:
    "02-R64 02-R66 02-A3 no model call leaves that was begun after its subject was revoked or its slot was barred; whoever comes back is served",
  accounts:
    "02-R57 one refresh of an account at a time, over all daemons; no token that was heard of is lost, and a login is given up only when its provider has",
  access:
    "02-A7 a token lives only as long as its creator, may do no more than it, and a revoked one is refused from the next request on",
  fallback: "02-A8 each call goes where the run's journal says, and no step down the chain is taken twice",
  budget: "02-A6 no more calls leave than a budget has, no reservation is lost, and none outlives its run",
  audit:
    "02-R74 02-R79 every chain of the audit verifies, is anchored, and holds each effect and each operator's change as often as it happened",
  hooks:
    "03-R44 03-R52 nothing passes a guard that did not let it, what hooks said counts once, their failures are kept",
  tasks:
    "03-R15 04-R43 04-R52 a command begins after its task's commit and once, a task ends once and as its command did, none outlives its daemon, each end is told",
  skills:
    "03-R72 03-R75 an active skill is told in each prompt, and what it takes away does not leave, across cuts and restarts",
  growth:
    "nothing is left behind: queue items, leases, timers, subscribers, and no more commits than there is work",
  incident: "no request and no drive ends in an error that nobody expected",
  settings: "02-R1 02-R2 02-R3 a change of settings is one revision, made from the one that its caller knew",
  start: "01-R89 a daemon starts on whatever another one left",
} as const;

export type CheckName = keyof typeof CHECKS;
