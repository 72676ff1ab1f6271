import type { SessionGoal } from "@kheish/contract";
import type { CommitResult, NewEvent, Op } from "../../kernel/store.ts";
import type { SealedActions } from "../audit-port.ts";
import { routeAt } from "../context/route-at.ts";
import type { RecordedEvent } from "../events.ts";
import { catchUp, foldSession } from "../fold.ts";
import type { PinnedRoute, ToolRuntimeLimits } from "../ports.ts";
import { check, type Kept, read } from "../records.ts";
import { reduce } from "../reduce.ts";
import { SessionChange } from "../session-change.ts";
import type { RunState, SessionState } from "../state.ts";
import type { LoopDeps } from "./deps.ts";
import type { SessionLease } from "./session-lease.ts";

/** Losing this often in a row is no race: the write contradicts what is stored, and the run must not hang in it. */
const MAX_ATTEMPTS = 100;

/** The run is no longer this driver's: cancelled, interrupted, or the session's lease passed on. */
export class Superseded extends Error {
  constructor(why: string) {
    super(why);
    this.name = "Superseded";
  }
}

/** Another daemon drives the session now; this one has nothing to do with it any more. */
export class LeaseLost extends Superseded {
  constructor() {
    super("the session's lease passed on");
  }
}

/**
 * One active run in the hands of one executor: its folded state, and the one way to write to it.
 *
 * I1 every write carries the session's fence and its journal's end, which no transition of a run leaves as it was: a
 *    driver whose run was ended elsewhere, or whose lease passed on, writes nothing
 * I2 the state is folded from what is committed; a refused write throws the state away and folds again
 */
export class Driver {
  readonly deps: LoopDeps;
  readonly sessionId: string;
  readonly lease: SessionLease;
  #session: Kept<"session">;
  run: Kept<"run">;
  state: SessionState;
  #goal: Kept<"goal"> | undefined;
  #batch: { messageSeq: number; limits: ToolRuntimeLimits } | undefined;

  private constructor(
    deps: LoopDeps,
    lease: SessionLease,
    session: Kept<"session">,
    run: Kept<"run">,
    state: SessionState,
    goal: Kept<"goal"> | undefined,
  ) {
    this.deps = deps;
    this.sessionId = session.id;
    this.lease = lease;
    this.#session = session;
    this.run = run;
    this.state = state;
    this.#goal = goal;
  }

  static async open(
    deps: LoopDeps,
    lease: SessionLease,
    session: Kept<"session">,
    run: Kept<"run">,
  ): Promise<Driver> {
    const folded = deps.states.take(session.id);
    const state =
      folded === undefined
        ? await foldSession(deps.store, session)
        : await catchUp(deps.store, session.id, folded);
    const known = deps.known.get(session.id);
    const goal = known?.goal ?? { kept: await read(deps.store, "goal", session.id) };
    if (known === undefined) deps.known.learn(session.id, { seq: state.seq, session, run, goal });
    return new Driver(deps, lease, session, run, state, goal.kept);
  }

  /** Settings as they were at the last write; nobody else changes them while a run is active (01-R15). */
  get session(): Kept<"session">["data"] {
    return this.#session.data;
  }

  get route(): PinnedRoute {
    return routeAt(this.run.data, this.state.run);
  }

  get model(): string {
    return this.route.model;
  }

  /** The session's goal as of the last write; nothing changes it without the journal. */
  get goal(): SessionGoal | undefined {
    return this.#goal?.data.goal;
  }

  /** The limits of the tool calls in hand: those in force when this driver met their message (02-R11, 03-R7). */
  get toolLimits(): ToolRuntimeLimits {
    const messageSeq = this.runState.message_seq;
    if (this.#batch?.messageSeq !== messageSeq) {
      this.#batch = { messageSeq, limits: this.deps.toolLimits() };
    }
    return this.#batch.limits;
  }

  get runState(): RunState {
    const { run } = this.state;
    if (run?.run_id !== this.run.id) throw new Superseded(`run '${this.run.id}' is not active any more`);
    return run;
  }

  /** Builds and commits one change; builds again when somebody appended in between. Throws `Superseded`. */
  async write<T>(build: (change: SessionChange) => Promise<T> | T): Promise<T> {
    const { store, mutex, clock, known } = this.deps;
    return mutex.run(this.sessionId, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        if ((await known.seqOf(store, this.sessionId)) !== this.state.seq) await this.#catchUp();
        if (this.state.run?.run_id !== this.run.id) throw new Superseded(`run '${this.run.id}' has ended`);
        const change = new SessionChange(this.sessionId, this.state.seq, clock.now(), {
          driven: true,
          onEvent: (event, seq) => this.#stage(event, seq),
        });
        change.attachGoal(this.#goal);
        const value = await this.#build(build, change);
        const sealed = await this.#seal(change);
        const ops = [...this.#opsOf(change), ...sealed.ops];
        if (ops.length === 0) return value;
        const leave = change.rests ? this.lease.leave() : [];
        const result = await this.#commit([...ops, ...leave], sealed);
        if (result.ok) {
          sealed.landed();
          known.landed(this.sessionId, change);
          this.run = change.landed("run", this.run.id) ?? this.run;
          this.#session = change.landed("session", this.sessionId) ?? this.#session;
          this.#goal = change.goalLanded;
          if (leave.length > 0) this.lease.left();
          return value;
        }
        sealed.lost();
        if (result.op < 0) throw new LeaseLost();
        // The claim passed to somebody else, who has not taken the lease: what is written counts all the same.
        if (result.op >= ops.length) this.lease.stay();
        await this.#reload();
      }
      throw new Error(`a write of run '${this.run.id}' was refused ${MAX_ATTEMPTS} times`);
    });
  }

  /** The session's record as it is now, attached to the change. */
  async sessionFor(change: SessionChange): Promise<void> {
    const { store, known } = this.deps;
    const session = known.get(this.sessionId)?.session ?? (await read(store, "session", this.sessionId));
    if (session === undefined) throw new Error(`session '${this.sessionId}' has no record`);
    change.attachSession(session);
  }

  async #build<T>(build: (change: SessionChange) => Promise<T> | T, change: SessionChange): Promise<T> {
    try {
      return await build(change);
    } catch (error) {
      await this.#reload();
      throw error;
    }
  }

  /** A change that only lets something leave has no event whose place would prove that the run goes on (I1). */
  #opsOf(change: SessionChange): Op[] {
    const ops = change.ops();
    return ops.length === 0 && change.actions.length > 0 ? [check(this.run, "run")] : ops;
  }

  /** The records of what the change lets leave, or knows to have left. */
  async #seal(change: SessionChange): Promise<SealedActions> {
    try {
      return await this.deps.audit.seal(change.actions, change.now);
    } catch (error) {
      await this.#reload();
      throw error;
    }
  }

  async #commit(ops: readonly Op[], sealed: SealedActions): Promise<CommitResult> {
    try {
      return await this.lease.commit(this.deps.store, ops);
    } catch (error) {
      sealed.lost(error);
      await this.#reload();
      throw error;
    }
  }

  #stage(event: NewEvent, seq: number): void {
    const recorded = { ...event, seq, position: 0 } as unknown as RecordedEvent;
    this.state = reduce(this.state, recorded);
  }

  async #catchUp(): Promise<void> {
    const { store } = this.deps;
    this.state = await catchUp(store, this.sessionId, this.state);
    this.#goal = await read(store, "goal", this.sessionId);
  }

  async #reload(): Promise<void> {
    const { store, known } = this.deps;
    known.forget(this.sessionId);
    const run = await read(store, "run", this.run.id);
    const session = await read(store, "session", this.sessionId);
    if (run === undefined || session === undefined) throw new Superseded("the run's records are gone");
    this.run = run;
    this.#session = session;
    this.state = await foldSession(this.deps.store, session);
    this.#goal = await read(store, "goal", this.sessionId);
  }
}
