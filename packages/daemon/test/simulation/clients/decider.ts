import type { EndpointId } from "@kheish/contract";
import type { SessionEvents } from "../../../src/engine/index.ts";
import type { Facts } from "../invariants/facts.ts";
import type { AnswerPlan } from "../plan/plan.ts";
import type { Answer, Request } from "../world/network.ts";
import { hash } from "../world/prng.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";

/**
 * The people who are asked. They act on what is durable, each when the plan says, and hear of a crash only by
 * their requests going unanswered.
 */
export class Deciders {
  readonly #world: World;
  readonly #facts: Facts;

  constructor(world: World, facts: Facts) {
    this.#world = world;
    this.#facts = facts;
  }

  onApprovals(runId: string, { requests }: SessionEvents["waiting_for_approval"]): void {
    for (const request of requests) {
      const answers =
        request.budget_id === undefined
          ? (this.#world.outside.call(request.tool_call_id)?.answers ?? [])
          : treasurers(hash(this.#world.plan.seed, request.id));
      for (const [index, answer] of answers.entries()) {
        void this.#decide(`decider ${request.tool_call_id}-${index}`, runId, request.id, answer);
      }
    }
  }

  onQuestion(runId: string, { request, about }: SessionEvents["waiting_for_user_question"]): void {
    const id = about?.unknown_call_id ?? request.tool_call_id;
    if (about !== undefined) {
      const option =
        ["happened", "run_again", "tell_model"][hash(this.#world.plan.seed, request.id) % 3] ?? "";
      void this.#answer(
        `operator ${request.id}`,
        runId,
        request.id,
        { afterMs: 300, say: "allow", keyed: true },
        option,
      );
      return;
    }
    for (const [index, answer] of (this.#world.outside.call(id)?.answers ?? []).entries()) {
      void this.#answer(`answerer ${id}-${index}`, runId, request.id, answer, "option-1");
    }
  }

  async #decide(name: string, runId: string, requestId: string, plan: AnswerPlan): Promise<void> {
    if (plan.say === "expire") return;
    const client = new Client(this.#world, name);
    await client.sleep(plan.afterMs);
    const resolution = {
      request_id: requestId,
      behavior: plan.say === "deny" ? "deny" : "allow",
      ...(plan.say === "edit" ? { updated_input: { edited: name } } : {}),
      ...(plan.remember === undefined ? {} : { remember: this.#remembering(plan.remember) }),
    };
    const answer = await insistOn(client, "resolveRunApprovals", plan, {
      params: { run_id: runId },
      body: { resolutions: [resolution] },
    });
    this.#world.mark(`approval answered: ${answer.code ?? answer.status}`);
    if (answer.status >= 400) return;
    const decision = this.#facts.approvals.get(requestId)?.decision;
    const agrees =
      decision?.behavior === resolution.behavior &&
      JSON.stringify(decision.input) === JSON.stringify(resolution.updated_input);
    if (!agrees) {
      const found = JSON.stringify(decision);
      this.#world.violate(
        "acknowledged",
        `${name} heard ${answer.status} to '${plan.say}', decided is ${found}`,
      );
    }
  }

  /** By the clock of whoever asks, which is nobody's who is wrong about the time. */
  #remembering({ scope, forMs }: NonNullable<AnswerPlan["remember"]>) {
    const ends = forMs === 0 ? {} : { expires_at_ms: this.#world.scheduler.now + forMs };
    return { scope, match: "exact", ...ends };
  }

  async #answer(
    name: string,
    runId: string,
    requestId: string,
    plan: AnswerPlan,
    option: string,
  ): Promise<void> {
    if (plan.say === "expire") return;
    const client = new Client(this.#world, name);
    await client.sleep(plan.afterMs);
    const params = { run_id: runId, request_id: requestId };
    if (plan.say === "cancel") {
      await insistOn(client, "cancelRunQuestion", plan, { params, body: {} });
      return;
    }
    const answers =
      plan.say === "deny"
        ? []
        : [
            plan.say === "edit"
              ? { question_id: "question-1", freeform_answer: `as ${name} says` }
              : { question_id: "question-1", selected_option_ids: [option] },
          ];
    const resolution = { request_id: requestId, answers, declined: plan.say === "deny" };
    const answer = await insistOn(client, "answerRunQuestion", plan, { params, body: { resolution } });
    this.#world.mark(`question answered: ${answer.code ?? answer.status}`);
    if (answer.status < 400 && this.#facts.questions.get(`${runId}/${requestId}`)?.answered !== true) {
      this.#world.violate(
        "acknowledged",
        `${name} heard ${answer.status}, but nobody has answered ${requestId}`,
      );
    }
  }
}

/** What becomes of a wish to have a budget extended: two say yes at once, one says no, or nobody says anything. */
function treasurers(chance: number): AnswerPlan[] {
  const yes: AnswerPlan = { afterMs: 400, say: "allow", keyed: chance % 2 === 0 };
  if (chance % 5 < 3) return chance % 5 === 0 ? [yes, { ...yes, afterMs: 405 }] : [yes];
  return chance % 5 === 3 ? [{ ...yes, say: "deny" }] : [];
}

/** Who has no key asks again all the same: the same decision twice is no conflict (01-A1). */
function insistOn(client: Client, endpoint: EndpointId, plan: AnswerPlan, request: Request): Promise<Answer> {
  return client.insist(
    endpoint,
    plan.keyed ? { ...request, idempotencyKey: `key of ${client.name}` } : request,
  );
}
