import { amounts } from "./budgets/amounts.ts";
import { checkpointAt } from "./context/checkpoint.ts";
import type { Nudge, RecordedEvent } from "./events.ts";
import { reduce } from "./reduce.ts";
import { type CallState, emptyState, type RunState, type SessionState } from "./state.ts";
import { assistant, call, History, result, user } from "./testing.ts";

/**
 * A session's journal as the engine could have written it, made of a list of numbers: each step takes the next one
 * to choose what happens. A shrunk list is a shorter history, so fast-check finds the smallest one that breaks.
 */
export function historyOf(choices: readonly number[]): RecordedEvent[] {
  const story = new Story(choices);
  while (story.goesOn) story.step();
  return story.events;
}

const TOOLS = ["bash", "read_file"];

class Story {
  readonly #history = new History();
  readonly #choices: readonly number[];
  #taken = 0;
  #runs = 0;
  #state: SessionState = emptyState();

  constructor(choices: readonly number[]) {
    this.#choices = choices;
  }

  get events(): RecordedEvent[] {
    return this.#history.events;
  }

  get goesOn(): boolean {
    return this.#taken < this.#choices.length;
  }

  step(): void {
    const { run } = this.#state;
    if (this.#pick(16) === 1) this.#rule(run);
    else if (run === undefined) this.#begin();
    else if (this.#pick(12) === 0) this.#disturb(run);
    else if (run.question !== undefined) this.#answer(run);
    else if (this.#pick(8) === 0) this.#hook(run);
    else this.#advance(run);
    this.#state = this.events.slice(this.#state.seq).reduce(reduce, this.#state);
  }

  /** One of `count` ways on; the first when the numbers have run out. */
  #pick(count: number): number {
    return (this.#choices[this.#taken++] ?? 0) % count;
  }

  #pickOf<T>(...ways: readonly [T, ...T[]]): T {
    return ways[this.#pick(ways.length)] ?? ways[0];
  }

  /** Somebody makes, replaces or removes a rule of the session, whether it works or not. */
  #rule(run: RunState | undefined): void {
    const rule_id = `rule-${this.#pick(3)}`;
    if (this.#pick(3) === 0) {
      this.#history.add("permission_rule_removed", { rule_id, cause: "deleted", by: "test" });
      return;
    }
    const behavior = this.#pickOf<"allow" | "ask" | "deny">("allow", "ask", "deny");
    const of = run !== undefined && this.#pick(2) === 0 ? { run_id: run.run_id } : {};
    const made = { created_by: "test", created_at_ms: 1, updated_by: "test", updated_at_ms: 1 };
    this.#history.add("permission_rule_set", {
      rule: {
        rule_id,
        scope: "session",
        session_id: "s",
        ...of,
        tool_name_pattern: "bash",
        behavior,
        origin: "operator",
        ...made,
      },
    });
  }

  #begin(): void {
    this.#runs += 1;
    const run_id = `run-${this.#runs}`;
    this.#history.add("accepted", { run_id, kind: "input" });
    this.#history.start(run_id, `input ${this.#runs}`);
  }

  #disturb({ run_id, takeovers }: RunState): void {
    this.#pickOf(
      () => this.#history.add("cancelled", { run_id }),
      () => this.#history.add("failed", { run_id, error: "broken" }),
      () => this.#history.add("session_updated", { field: "reply_targets" }),
      () => this.#history.add("resumed", { run_id, attempt: takeovers + 1 }),
    )();
  }

  #advance(run: RunState): void {
    const open = run.calls.filter((one) => one.phase !== "settled");
    const one = open[this.#pick(Math.max(1, open.length))];
    const last = this.#state.entries.at(-1)?.message;
    if (one !== undefined) this.#moveCall(run, one);
    else if (last?.role === "assistant" && last.finish_reason === "length") this.#nudge(run);
    else if (last?.role === "assistant") this.#complete(run);
    else this.#beforeModelCall(run);
  }

  /** Hooks of the run where no call is open, else those of a call, each once. */
  #hook(run: RunState): void {
    const open = run.calls.some((one) => one.phase !== "settled");
    const one = run.calls[this.#pick(Math.max(1, run.calls.length))];
    if (open && one !== undefined) this.#hookCall(run, one);
    else if (!open) this.#hookRun(run);
  }

  #hookRun({ run_id, hooks }: RunState): void {
    const last = this.#state.entries.at(-1)?.message;
    const ended = last?.role === "assistant" && last.finish_reason !== "tool_calls";
    const contexts = this.#pick(2) === 0 ? {} : { additional_contexts: [`noted at ${this.events.length}`] };
    const blocks = this.#pick(2) === 0 ? {} : { decision: "block" as const };
    const event = ended ? "stop" : this.#pickOf("user_prompt_submit" as const, "pre_compact" as const);
    // What ends the run here would have to end it at once.
    const mayBlock = event === "pre_compact" || (event === "stop" && hooks.stop_blocks < 3);
    const outcome = { ...contexts, ...(mayBlock ? blocks : {}) };
    this.#history.add("hooks_called", { run_id, event, invocation_key: "key", outcome });
  }

  #hookCall({ run_id }: RunState, { call: { id }, phase, hooks }: CallState): void {
    const said = { invocation_key: "key", run_id, call_id: id };
    const contexts = { additional_contexts: [`noted of ${id}`] };
    if (phase === "requested" && hooks?.called.includes("permission_request") !== true) {
      const outcome = { ...contexts, updated_input: { hooked: id } };
      this.#history.add("hooks_called", { ...said, event: "permission_request", outcome });
    } else if (phase === "settled" && hooks?.called.includes("post_tool_use") !== true) {
      const outcome = this.#pick(2) === 0 ? contexts : { ...contexts, updated_output: `of a hook for ${id}` };
      this.#history.add("hooks_called", { ...said, event: "post_tool_use", outcome });
    }
  }

  #complete({ run_id, message_seq }: RunState): void {
    this.#history.add("output", { run_id, source_kind: "assistant_text", message_seq, address: null });
    this.#history.add("completed", { run_id });
  }

  #beforeModelCall(run: RunState): void {
    this.#pickOf(
      () => this.#checkpoint(run),
      () => this.#blank(run),
      () => this.#failModelCall(run),
      () => this.#hold(run),
      () => this.#speak(run),
      () => this.#speak(run),
      () => this.#speak(run),
    )();
  }

  /** Before a call leaves; cut off when there is one already. */
  #hold(run: RunState): void {
    this.#settle(run);
    const account = { budget_id: "b", counted_since_ms: 1, window_start_ms: 0, subject: "daemon" };
    const hold = { turn: run.turn, accounts: [account], reserved: amounts({ model_calls: 1 }) };
    this.#history.add("budget_reserved", { run_id: run.run_id, hold });
  }

  /** In the commit that keeps what came of the call. */
  #settle({ run_id, hold }: RunState): void {
    if (hold !== undefined) this.#history.add("budget_settled", { run_id, used: hold.reserved });
  }

  #speak(run: RunState): void {
    const { run_id, turn } = run;
    // Ids begin anew in each run, as some providers have them.
    const calls = Array.from({ length: this.#pick(4) }, (_, index) =>
      call(`call-${turn}-${index}`, TOOLS[index % 2], { turn, index }),
    );
    const finish = calls.length === 0 && this.#pick(3) === 0 ? { finish: "length" as const } : {};
    const usage = this.#pick(2) === 0 ? {} : { usage: { input_tokens: 100 + turn, output_tokens: 7 } };
    this.#history.says(assistant(`turn ${turn}`, { calls, ...finish, ...usage }), turn, run_id);
    this.#settle(run);
  }

  #failModelCall(run: RunState): void {
    const { run_id, turn } = run;
    const next = this.#pickOf("snip", "compact", "fallback", "fail");
    const error = { class: "context_window_exceeded", message: "too long", retryable: false } as const;
    this.#history.add("model_call_failed", { run_id, turn, model: "big", error, next });
    this.#settle(run);
    if (next === "fail") this.#history.add("failed", { run_id, error: "too long" });
  }

  #nudge({ run_id, turn }: RunState): void {
    const nudge = this.#pickOf<Nudge>("output", "requirement", "contract");
    this.#history.add("message_appended", {
      run_id,
      turn,
      nudge,
      message: user("go on", `nudge-${turn}`),
    });
  }

  #moveCall(run: RunState, one: CallState): void {
    const { run_id } = run;
    const { id } = one.call;
    if (one.phase === "requested") this.#authorize(run, one);
    else if (one.phase === "asking_approval") this.#decide(run, one);
    else if (one.phase === "allowed") this.#history.dispatches(id, one.attempt + 1, run_id);
    else this.#endCall(run, one);
  }

  #endCall(run: RunState, one: CallState): void {
    const { run_id } = run;
    const { id, name } = one.call;
    const way = this.#pick(6);
    if (way === 0) this.#ask(run, one);
    else if (way === 1) this.#history.add("effect_not_applied", { run_id, call_id: id });
    else if (way === 2)
      this.#history.add("effect_not_applied", { run_id, call_id: id, attempt: one.attempt });
    else this.#finish(run_id, id, name);
  }

  #finish(run_id: string, call_id: string, tool_name: string): void {
    const todos = [{ content: `after ${call_id}`, completed: false }];
    if (this.#pick(5) === 0) this.#history.add("todos_updated", { run_id, todos });
    this.#history.add("tool_call_finished", {
      run_id,
      call_id,
      result: result(call_id, `output of ${call_id} in ${run_id}`, tool_name),
      ledger: this.#pickOf("settled", "failed", "unknown", "denied"),
      context_updates: [{ type: "file_modified", path: `file-${this.#pick(3)}` }],
    });
  }

  #authorize({ run_id, message_seq }: RunState, { call: { id } }: CallState): void {
    if (this.#pick(3) > 0) {
      this.#history.allows(id, run_id);
      return;
    }
    const request = {
      id: `approval-${id}`,
      tool_call_id: id,
      tool_name: "bash",
      scope: "default",
      reason: "",
    };
    this.#history.add("waiting_for_approval", { run_id, message_seq, requests: [request] });
  }

  #decide({ run_id }: RunState, { call: { id, name } }: CallState): void {
    const behavior = this.#pickOf<"allow" | "deny">("allow", "deny");
    const edited = this.#pick(2) === 0 ? {} : { updated_input: { edited: id } };
    const resolutions = [{ request_id: `approval-${id}`, behavior, ...edited }];
    this.#history.add("approval_resolved", { run_id, resolutions, decided_by: "test", pending: [] });
    if (behavior === "deny") this.#finish(run_id, id, name);
  }

  #ask({ run_id }: RunState, { call: { id, name } }: CallState): void {
    const request = { id: `question-${id}`, tool_call_id: id, questions: [], created_at_ms: 0 };
    const about = this.#pick(2) === 0 ? {} : { about: { unknown_call_id: id, tool_name: name } };
    this.#history.add("waiting_for_user_question", { run_id, request, ...about });
  }

  #answer({ run_id, question }: RunState): void {
    if (question === undefined) return;
    const { id, tool_call_id } = question.request;
    const option = this.#pickOf("run_again", "happened");
    const answers = [{ question_id: "question-1", selected_option_ids: [option] }];
    const resolution = { request_id: id, answers, declined: false };
    this.#history.add("user_question_resolved", { run_id, resolution, decided_by: "test" });
    if (question.about === undefined || option === "happened") this.#finish(run_id, tool_call_id, "bash");
  }

  /** Any group may become the head, as long as the newest answer stays. */
  #checkpoint(run: RunState): void {
    const { entries } = this.#state;
    const newest = entries.findLastIndex((entry) => entry.message.role === "assistant");
    const starts = entries.flatMap(({ message }, index) =>
      message.role !== "tool" && (newest === -1 || index <= newest) ? [index] : [],
    );
    const head = starts[this.#pick(Math.max(1, starts.length))] ?? 0;
    const headSeq = entries[head]?.seq;
    if (headSeq === undefined) return;
    const summary = this.#pickOf(undefined, { title: "so far", content: `up to ${headSeq}` });
    const plan = { kind: "session_memory", headSeq, removed: head, preTokens: 9 } as const;
    const checkpoint = checkpointAt(this.#state, run, plan, summary);
    this.#history.add("checkpoint", { run_id: run.run_id, checkpoint: structuredClone(checkpoint) });
  }

  #blank({ run_id }: RunState): void {
    const results = this.#state.entries.flatMap(({ seq, message }) =>
      message.role === "tool" ? message.results.map(({ call_id }) => ({ seq, call_id })) : [],
    );
    const cleared = results.slice(0, this.#pick(results.length + 1));
    this.#history.add("compaction_boundary", {
      run_id,
      boundary: { kind: "microcompact", cleared, tokens_freed: 1 },
    });
  }
}
