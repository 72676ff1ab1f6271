import { describe, expect, test } from "vitest";
import { at, of } from "../http/support/params.ts";
import { ASKING, ENDLESS, FIRST_QUESTION, GATED } from "../http/support/script.ts";
import { EventStream } from "../http/support/stream.ts";
import type { ServedOptions } from "../support/served.ts";
import { ADMIN, type GuardedDaemon, READER, useGuarded } from "./support.ts";

/** Named tokens as their holders and their operator meet them, the same on every store engine. */
export function accessSuite(options: () => Promise<ServedOptions>): void {
  const guarded = useGuarded(options);

  describe("02-A7 a token's life", () => {
    test("it is shown with its secret once, and without it ever after", async () => {
      const created = await guarded().token({
        name: "ci",
        verbs: ["read", "write", "read"],
        resources: ["sessions/ci-*"],
        expires_in_ms: 3_600_000,
      });
      expect(created).toEqual({
        token_id: expect.stringMatching(/^tok_[0-9a-f]{16}$/),
        name: "ci",
        verbs: ["read", "write"],
        resources: ["sessions/ci-*"],
        created_at_ms: expect.any(Number),
        created_by: "admin-token",
        expires_at_ms: created.created_at_ms + 3_600_000,
        secret: expect.stringMatching(/^kheish_[0-9a-f]{16}_[0-9a-f]{64}$/),
      });
      const { secret, ...view } = created;
      const listed = await guarded().admin.call("listTokens");
      expect(listed.find(({ name }) => name === "ci")).toEqual(view);
      expect(JSON.stringify(listed)).not.toContain(secret.slice(-64));
    });

    test("the list is in the order of names", async () => {
      await guarded().token({ name: "zebra" });
      await guarded().token({ name: "Aardvark" });
      const names = (await guarded().admin.call("listTokens")).map(({ name }) => name);
      expect(names).toEqual(names.toSorted((a, b) => (a < b ? -1 : 1)));
    });

    test("revoked, it is refused from the next request on, and its name is free", async () => {
      const { secret, token_id } = await guarded().token({ name: "short-lived" });
      expect(await guarded().outcome(secret, "GET", "/v1/status")).toBe("200");
      const revoked = await guarded().admin.call("revokeToken", { params: { token_id } });
      expect(revoked).toEqual({ accepted: true, revoked: [token_id] });
      expect(await guarded().outcome(secret, "GET", "/v1/status")).toBe("invalid_token");
      expect((await guarded().token({ name: "short-lived" })).token_id).not.toBe(token_id);
    });

    test("revoking it ends its streams, and no others", async () => {
      const doomed = await guarded().token({});
      const spared = await guarded().token({});
      const open = ({ secret }: { secret: string }) =>
        EventStream.open(guarded().admin.url("eventsStream"), { authorization: `Bearer ${secret}` });
      const [ending, staying] = [await open(doomed), await open(spared)];
      await guarded().admin.call("revokeToken", { params: { token_id: doomed.token_id } });
      expect(await ending.rest()).toEqual([]);
      await guarded().admin.call("createSession", { body: { session_id: "after-the-revocation" } });
      await staying.until(({ event }) => event !== "heartbeat");
      staying.close();
    });

    test("it remembers when it was used, up to a minute late", async () => {
      const { secret, token_id, created_at_ms } = await guarded().token({});
      const used = async () =>
        (await guarded().admin.call("listTokens")).find((token) => token.token_id === token_id)
          ?.last_used_at_ms;
      expect(await used()).toBeUndefined();
      await guarded().outcome(secret, "GET", "/v1/status");
      await expect.poll(used).toBeGreaterThanOrEqual(created_at_ms);
    });

    test("of ten who want the same name one gets it, and another has to choose", async () => {
      const body = { name: "wanted", verbs: ["read"], resources: ["*"] };
      const replies = await Promise.all(
        Array.from({ length: 10 }, () => guarded().outcome(ADMIN, "POST", "/v1/runtime/tokens", body)),
      );
      expect(replies.filter((outcome) => outcome === "201")).toHaveLength(1);
      expect(replies.filter((outcome) => outcome === "token_name_taken")).toHaveLength(9);
    });

    test("one that is not there cannot be revoked", async () => {
      const refused = await guarded().admin.refusal("revokeToken", { params: { token_id: "tok_0" } });
      expect(refused).toMatchObject({ status: 404, domain: "tokens", code: "token_not_found" });
    });
  });

  describe("02-A7 who am I", () => {
    test("is answered to each token, whatever it covers, and to nobody without one", async () => {
      const ask = (secret: string) => guarded().as(secret).call("whoami");
      const all = { verbs: ["read", "write", "admin"], resources: ["*"] };
      expect(await ask(ADMIN)).toEqual({ principal: "admin-token", auth: "token", ...all });
      expect(await ask(READER)).toEqual({
        principal: "read-token",
        auth: "token",
        verbs: ["read"],
        resources: ["*"],
      });
      const narrow = await guarded().token({
        name: "narrow",
        verbs: ["write"],
        resources: ["sessions/a"],
        expires_in_ms: 60_000,
      });
      expect(await ask(narrow.secret)).toEqual({
        principal: "token:narrow",
        auth: "token",
        verbs: ["write"],
        resources: ["sessions/a"],
        token_id: narrow.token_id,
        expires_at_ms: narrow.expires_at_ms,
      });
      expect(await guarded().outcome("nobody's", "GET", "/v1/whoami")).toBe("invalid_token");
    });
  });

  describe("02-A7 what it may do", () => {
    test.each([
      ["GET", "/v1/status", undefined, "read"],
      ["GET", "/v1/openapi.json", undefined, "read"],
      ["GET", "/v1/sessions", undefined, "read"],
      ["POST", "/v1/sessions", { session_id: "by-verb" }, "write"],
      ["POST", "/v1/sessions/by-verb/runs", { content: "hello" }, "write"],
      ["PUT", "/v1/sessions/by-verb/persona", {}, "write"],
      ["PUT", "/v1/sessions/by-verb/capability-scope", { capability_scope: null }, "admin"],
      ["PUT", "/v1/sessions/by-verb/credential-scope", { credential_scope: null }, "admin"],
      ["PUT", "/v1/sessions/by-verb/tool-overrides", { tool_overrides: null }, "admin"],
      ["POST", "/v1/runtime/permission-mode", { mode: "default" }, "admin"],
      ["GET", "/v1/runtime/tokens", undefined, "admin"],
      ["POST", "/v1/runs/prune", { older_than_ms: 1 }, "admin"],
      ["GET", "/v1/runs/run-1/debug", undefined, "admin"],
      ["GET", "/v1/nothing", undefined, "admin"],
    ] as const)("%s %s %j takes '%4$s' and no other verb is enough", async (method, path, body, verb) => {
      for (const one of ["read", "write", "admin"] as const) {
        const { secret } = await guarded().token({ verbs: [one] });
        const outcome = await guarded().outcome(secret, method, path, body);
        if (one === verb) expect(outcome).not.toBe("insufficient_access");
        else expect(outcome).toBe("insufficient_access");
      }
    });

    test("it sees, steers and creates the sessions it covers, and no others", async () => {
      const { secret } = await guarded().token({
        verbs: ["read", "write"],
        resources: ["sessions/team-a-*"],
      });
      await guarded().admin.call("createSession", { body: { session_id: "team-b-1" } });
      const outcome = (method: string, path: string, body?: unknown) =>
        guarded().outcome(secret, method, path, body);

      expect(await outcome("POST", "/v1/sessions", { session_id: "team-a-1" })).toBe("201");
      expect(await outcome("POST", "/v1/sessions/team-a-1/runs", { content: "hello" })).toBe("202");
      expect(await outcome("GET", "/v1/sessions/team-a-1")).toBe("200");
      expect(await outcome("GET", "/v1/sessions/team-a-1/events")).toBe("200");

      for (const path of ["/v1/sessions/team-b-1", "/v1/sessions/team-b-1/events", "/v1/sessions/nobody"])
        expect(await outcome("GET", path)).toBe("insufficient_access");
      expect(await outcome("POST", "/v1/sessions", { session_id: "team-b-2" })).toBe("insufficient_access");
      expect(await outcome("POST", "/v1/sessions", {})).toBe("insufficient_access");
      expect(await outcome("GET", "/v1/sessions/team-a-1%2F..%2Fteam-b-1")).toBe("session_not_found");
      expect((await guarded().admin.refusal("getSession", at("team-b-2"))).status).toBe(404);
    });

    test("it reaches a run through the run's session", async () => {
      const { secret } = await guarded().token({ verbs: ["read", "write"], resources: ["sessions/mine"] });
      const submit = async (session_id: string) => {
        await guarded().admin.call("createSession", { body: { session_id } });
        return guarded().admin.call("submitRun", { ...at(session_id), body: { content: ENDLESS } });
      };
      const [own, foreign] = [await submit("mine"), await submit("theirs")];
      for (const [run, expected] of [
        [own, ["200", "200"]],
        [foreign, ["insufficient_access", "insufficient_access"]],
      ] as const) {
        expect(await guarded().outcome(secret, "GET", `/v1/runs/${run.run_id}`)).toBe(expected[0]);
        expect(await guarded().outcome(secret, "POST", `/v1/runs/${run.run_id}/cancel`)).toBe(expected[1]);
      }
      // Whether a run exists is not told either.
      expect(await guarded().outcome(secret, "GET", "/v1/runs/run-999999")).toBe("insufficient_access");
      expect((await guarded().admin.call("getRun", of(foreign.run_id))).status).not.toBe("cancelled");
      await guarded().admin.call("cancelRun", of(foreign.run_id));
    });

    test("one for submitting only neither decides nor looks", async () => {
      await guarded().admin.call("createSession", { body: { session_id: "gate" } });
      const { secret } = await guarded().token({ verbs: ["write"], resources: ["sessions/gate/runs"] });
      const run = await guarded()
        .as(secret)
        .call("submitRun", { ...at("gate"), body: { content: GATED } });
      const decision = { resolutions: [{ request_id: "r", behavior: "allow" }] };
      for (const path of [`/v1/runs/${run.run_id}/approvals`, "/v1/sessions/gate/approvals"])
        expect(await guarded().outcome(secret, "POST", path, decision)).toBe("insufficient_access");
      expect(await guarded().outcome(secret, "GET", "/v1/sessions/gate")).toBe("insufficient_access");
      await guarded().admin.call("cancelRun", of(run.run_id));
    });

    test("a list is all or nothing: a token that may not see all names the part that it may see", async () => {
      const { secret } = await guarded().token({ resources: ["sessions/listed-*"] });
      await guarded().admin.call("createSession", { body: { session_id: "listed-1" } });
      for (const path of ["/v1/sessions", "/v1/runs", "/v1/questions"])
        expect(await guarded().outcome(secret, "GET", path)).toBe("insufficient_access");
      for (const list of ["runs", "questions"]) {
        const of_session = (id: string) => guarded().outcome(secret, "GET", `/v1/${list}?session_id=${id}`);
        expect(await of_session("listed-1")).toBe("200");
        expect(await of_session("unlisted-1")).toBe("insufficient_access");
        expect(await of_session("")).toBe("insufficient_access");
      }
      const whole = await guarded().token({ resources: ["sessions"] });
      expect(await guarded().outcome(whole.secret, "GET", "/v1/sessions")).toBe("200");
    });

    test("the daemon's event stream is a list as well", async () => {
      await guarded().admin.call("createSession", { body: { session_id: "streamed" } });
      const { secret } = await guarded().token({ resources: ["sessions/streamed"] });
      const refused = await guarded().as(secret).refusal("eventsStream");
      expect(refused).toMatchObject({ status: 403, code: "insufficient_access" });
      const query = { session_id: "streamed", cursor: "0" };
      const url = guarded().admin.url("eventsStream", { query });
      const stream = await EventStream.open(url, { authorization: `Bearer ${secret}` });
      await stream.until(({ event }) => event === "session_snapshot");
      stream.close();
    });

    test("a star in an id is no wildcard, and a slash no boundary", async () => {
      for (const session_id of ["a*b", "axb", "d/e"])
        await guarded().admin.call("createSession", { body: { session_id } });
      const star = await guarded().token({ resources: ["sessions/a%2Ab"] });
      expect(await guarded().outcome(star.secret, "GET", "/v1/sessions/a*b")).toBe("200");
      expect(await guarded().outcome(star.secret, "GET", "/v1/sessions/axb")).toBe("insufficient_access");
      const slash = await guarded().token({ resources: ["sessions/d"] });
      expect(await guarded().outcome(slash.secret, "GET", "/v1/sessions/d%2Fe")).toBe("insufficient_access");
    });

    test("the two flat tokens do what they always did", async () => {
      expect(await guarded().outcome(ADMIN, "GET", "/v1/runtime/tokens")).toBe("200");
      expect(await guarded().outcome(READER, "GET", "/v1/status")).toBe("200");
      expect(await guarded().outcome(READER, "GET", "/v1/runtime/tokens")).toBe("insufficient_access");
    });
  });

  describe("02-A7 a token that creates tokens", () => {
    const broker = (guard: GuardedDaemon) =>
      guard.token({ verbs: ["read", "admin"], resources: ["runtime/tokens", "sessions/*"] });
    const wants = (secret: string, wanted: object) =>
      guarded().outcome(secret, "POST", "/v1/runtime/tokens", {
        name: `child-${crypto.randomUUID()}`,
        verbs: ["read"],
        resources: ["sessions/a-*"],
        ...wanted,
      });

    test("never creates one wider than itself", async () => {
      const { secret } = await broker(guarded());
      expect(await wants(secret, {})).toBe("201");
      expect(await wants(secret, { verbs: ["read", "write"] })).toBe("token_wider_than_creator");
      for (const glob of ["*", "sessions", "runs/*", "*/a", "sessions*", "sessions**"])
        expect(await wants(secret, { resources: [glob] })).toBe("token_wider_than_creator");
      expect(await wants(secret, { resources: ["sessions/*", "runtime/tokens"] })).toBe("201");
      expect(await wants(secret, { resources: ["sessions/**", "runtime/tokens/tok_1"] })).toBe("201");
    });

    test("nor one that outlives it: without a time of its own the child has the parent's", async () => {
      const parent = await guarded().token({ verbs: ["read", "admin"], expires_in_ms: 60_000 });
      const deadline = parent.expires_at_ms ?? 0;
      expect(await wants(parent.secret, { expires_at_ms: deadline + 1 })).toBe("token_wider_than_creator");
      expect(await wants(parent.secret, { expires_at_ms: deadline })).toBe("201");
      const child = await guarded()
        .as(parent.secret)
        .call("createToken", { body: { name: "heir", verbs: ["read"], resources: ["*"] } });
      expect(child).toMatchObject({ expires_at_ms: deadline, created_by: `token:${parent.name}` });
    });

    test("takes its children and their children with it when it is revoked", async () => {
      const parent = await broker(guarded());
      const spared = await broker(guarded());
      const born = async (secret: string, name: string) =>
        guarded()
          .as(secret)
          .call("createToken", {
            body: { name, verbs: ["read", "admin"], resources: ["runtime/tokens", "sessions/x"] },
          });
      const child = await born(parent.secret, "generation-1");
      const grandchild = await born(child.secret, "generation-2");
      const { token_id } = parent;
      expect((await guarded().admin.call("revokeToken", { params: { token_id } })).revoked).toEqual([
        parent.token_id,
        child.token_id,
        grandchild.token_id,
      ]);
      for (const { secret } of [parent, child, grandchild])
        expect(await guarded().outcome(secret, "GET", "/v1/runtime/tokens")).toBe("invalid_token");
      expect(await guarded().outcome(spared.secret, "GET", "/v1/runtime/tokens")).toBe("200");
    });
  });

  describe("02-W6, 02-W7 who did it", () => {
    test("stands on the run, the decision and the answer, whatever the caller says about itself", async () => {
      const { secret, name } = await guarded().token({
        verbs: ["read", "write"],
        resources: ["sessions/who"],
      });
      const api = guarded().as(secret);
      await api.call("createSession", { body: { session_id: "who" } });
      const body = { content: GATED, actor_id: "somebody else" };
      const run = await api.call("submitRun", { ...at("who"), body });
      expect(run).toMatchObject({ principal: `token:${name}`, request: { actor_id: "somebody else" } });

      const waiting = await expect
        .poll(async () => (await api.call("getRun", of(run.run_id))).pending_approvals ?? [])
        .toHaveLength(1)
        .then(() => api.call("getRun", of(run.run_id)));
      const request_id = waiting.pending_approvals?.[0]?.id ?? "";
      await api.call("resolveSessionApprovals", {
        ...at("who"),
        body: { resolutions: [{ request_id, behavior: "allow" }] },
      });
      await api.call("sessionInput", { ...at("who"), body: { content: ASKING } });
      await api.call("answerSessionQuestion", {
        ...at("who"),
        body: { resolution: { request_id: FIRST_QUESTION, declined: true } },
      });
      const log = await api.call("sessionEvents", at("who"));
      const deciders = log.run_events.flatMap(({ event }) =>
        "decided_by" in event ? [[event.type, event.decided_by]] : [],
      );
      expect(deciders).toEqual([
        ["approval_resolved", `token:${name}`],
        ["user_question_resolved", `token:${name}`],
      ]);
    });

    test("stands on what ended a run", async () => {
      const { secret, name } = await guarded().token({
        verbs: ["read", "write"],
        resources: ["sessions/ends"],
      });
      const api = guarded().as(secret);
      await api.call("createSession", { body: { session_id: "ends" } });
      const submit = () => api.call("submitRun", { ...at("ends"), body: { content: ENDLESS } });
      const [running, queued, cleared] = [await submit(), await submit(), await submit()];
      await api.call("cancelRun", of(queued.run_id));
      await api.call("interruptSession", { ...at("ends"), query: { clear_queue: "true" } });
      for (const [run, type] of [
        [running, "interrupted"],
        [queued, "cancelled"],
        [cleared, "cancelled"],
      ] as const) {
        const events = await api.call("runEvents", of(run.run_id));
        expect(events.at(-1)?.event).toMatchObject({ type, by: `token:${name}` });
      }
    });
  });

  describe("bad input", () => {
    test.each([
      ["no name", { name: undefined }, "/name"],
      ["a name with a space", { name: "my token" }, "/name"],
      ["a name that is too long", { name: "x".repeat(65) }, "/name"],
      ["no verb", { verbs: [] }, "/verbs"],
      ["an unknown verb", { verbs: ["rule"] }, "/verbs/0"],
      ["no resource", { resources: [] }, "/resources"],
      ["a resource with a leading slash", { resources: ["/v1/sessions"] }, "/resources/0"],
      ["a resource with a trailing slash", { resources: ["sessions/"] }, "/resources/0"],
      ["a resource that no URL spells like this", { resources: ["sessions/a b"] }, "/resources/0"],
      ["a needless escape, which would never match", { resources: ["sessions/%61"] }, "/resources/0"],
      ["a time that has no length", { expires_in_ms: 0 }, "/expires_in_ms"],
      ["an unknown member", { scope: "all" }, "/scope"],
    ])("%s is request_body_invalid", async (_what, wrong, path) => {
      const body = { name: "bad", verbs: ["read"], resources: ["*"], ...wrong };
      const refused = await guarded().admin.refusal("createToken", { body });
      expect(refused).toMatchObject({ status: 422, code: "request_body_invalid" });
      expect(refused.errors?.map((error) => error.path)).toContain(path);
    });

    test.each([
      ["both ways to say when", { expires_in_ms: 1_000, expires_at_ms: 9_999_999_999_999 }],
      ["a time that has passed", { expires_at_ms: 1 }],
      ["a time beyond all numbers", { expires_in_ms: Number.MAX_SAFE_INTEGER }],
    ])("%s is token_expiry_invalid", async (_what, wrong) => {
      const body = { name: "bad", verbs: ["read"], resources: ["*"], ...wrong };
      const refused = await guarded().admin.refusal("createToken", { body });
      expect(refused).toMatchObject({ status: 400, domain: "tokens", code: "token_expiry_invalid" });
    });

    test.each([
      ["nothing like one", "kheish"],
      ["one that nobody made", `kheish_${"0".repeat(16)}_${"0".repeat(64)}`],
    ])("a token that is %s is invalid_token", async (_what, secret) => {
      expect(await guarded().outcome(secret, "GET", "/v1/status")).toBe("invalid_token");
    });

    test("one with another's secret is invalid_token", async () => {
      const [one, other] = [await guarded().token({}), await guarded().token({})];
      const mixed = one.secret.slice(0, -64) + other.secret.slice(-64);
      expect(await guarded().outcome(mixed, "GET", "/v1/status")).toBe("invalid_token");
    });
  });
}
