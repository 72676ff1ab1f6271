import { describe, expect, test } from "vitest";
import { useGuarded } from "../access/support.ts";
import { at, of } from "../http/support/params.ts";
import { say, script } from "../http/support/script.ts";

const guarded = useGuarded(async () => ({ store: "sqlite" }));

describe("02-A6 02-A7 who may extend a budget", () => {
  test("is who may set it: deciding about a session's calls is not enough, and denying is", async () => {
    const { admin } = guarded();
    const params = { budget_id: "shared" };
    await admin.call("setBudget", {
      params,
      body: { scope: { kind: "daemon" }, limits: { model_calls: 0 } },
    });
    await admin.call("createSession", { body: { session_id: "mine" } });
    const mine = await guarded().token({
      verbs: ["read", "write"],
      resources: ["sessions/mine", "sessions/mine/**"],
    });
    const treasurer = await guarded().token({
      verbs: ["admin", "write"],
      resources: ["sessions/mine", "sessions/mine/**", "runtime/budgets/shared"],
    });
    const asked = async () => {
      const { run_id } = await guarded()
        .as(mine.secret)
        .call("submitRun", { ...at("mine"), body: { content: script(say("done")) } });
      for (;;) {
        const [request] = (await admin.call("getRun", of(run_id))).pending_approvals ?? [];
        if (request !== undefined) return { run_id, request_id: request.id };
      }
    };
    const decide = (secret: string, request_id: string, behavior: "allow" | "deny") =>
      guarded().outcome(secret, "POST", "/v1/sessions/mine/approval-runs", {
        resolutions: [{ request_id, behavior }],
      });

    const first = await asked();
    expect(await decide(mine.secret, first.request_id, "allow")).toBe("insufficient_access");
    expect((await admin.call("getRun", of(first.run_id))).status).toBe("waiting_for_approval");
    expect((await admin.call("getBudget", { params })).extended).toBeUndefined();
    expect(await decide(mine.secret, first.request_id, "deny")).toBe("202");

    const second = await asked();
    const resolutions = [
      { request_id: second.request_id, behavior: "allow", updated_input: { extend_by: { model_calls: 1 } } },
    ];
    const path = "/v1/sessions/mine/approval-runs";
    expect(await guarded().outcome(treasurer.secret, "POST", path, { resolutions })).toBe("202");
    expect((await admin.call("getBudget", { params })).extended).toEqual({ model_calls: 1 });
  });
});
