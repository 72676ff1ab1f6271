import type { PermissionMode } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { AuditRefused } from "../../src/engine/index.ts";
import { PLAN_PROFILE, PLAN_TOOLS } from "../../src/governance/permission-modes.ts";
import { actionsOf } from "../audit/support.ts";
import { until } from "../support/wait.ts";
import { redirect, text } from "./fake-web.ts";
import { type WebRig, webRig } from "./web-run.ts";

const rule = ({ daemon }: WebRig, rule_id: string, behavior: string, host: string[]) =>
  daemon.call("setPermissionRule", {
    params: { rule_id },
    body: { scope: "user", tool_name_pattern: "web_fetch", behavior, match: { host } },
  });

const fetching = (world: WebRig, url: string) =>
  world.session.play([
    { tool_calls: [{ id: "call-0", name: "web_fetch", input: { url } }] },
    { text: "done" },
  ]);

describe("rules about hosts", () => {
  it("keep web_fetch from a host, and from one that another host leads to", async () => {
    const world = await webRig();
    await rule(world, "no-wiki", "deny", ["wiki.example", "*.wiki.example"]);
    world.web.page("public.example/", redirect("http://www.wiki.example/secret"));
    world.web.page("public.example/own", redirect("http://PUBLIC.example:8080/there"));
    world.web.page("public.example:8080/there", text("there"));
    world.web.page("www.wiki.example/secret", text("never shown"));
    world.web.page("wiki.example/", text("never shown"));
    const [direct, led, own] = await world.calls("web_fetch", [
      { url: "http://wiki.example/" },
      { url: "http://public.example/" },
      { url: "http://public.example/own" },
    ]);
    expect(direct?.output).toMatchObject({ denied: true });
    expect(led?.output).toEqual({
      error:
        "it redirects to www.wiki.example, which the permission rules do not allow without asking: " +
        "fetch http://www.wiki.example/secret by a call of its own",
      failure_class: "permission",
    });
    expect(own?.output).toMatchObject({ body: "there" });
    expect(world.web.requests).not.toContain("www.wiki.example /secret");
  });

  it("ask about a host, also when another host leads there: the yes was for the first", async () => {
    const world = await webRig();
    await rule(world, "ask", "ask", ["*"]);
    world.web.page("public.example/", redirect("http://other.example/"));
    world.web.page("other.example/", text("other"));
    const run = await fetching(world, "http://public.example/");
    const waiting = await world.session.reaches(run.run_id, "waiting_for_approval");
    const request_id = waiting.pending_approval_ids?.[0] ?? "";
    expect(world.web.requests).toEqual([]);
    await world.session.resolve(run.run_id, { request_id, behavior: "allow" });
    await world.session.reaches(run.run_id, "completed");
    expect(await world.session.outputs()).toMatchObject([{ failure_class: "permission" }]);
    expect(world.web.requests).toEqual(["public.example /"]);
  });
});

describe("03-R19 03-R22 03-R23 the web tools under each permission mode", () => {
  const modes: PermissionMode[] = ["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"];

  it.each(modes)("%s lets both run without asking", async (mode) => {
    const world = await webRig({}, { permissionMode: mode });
    world.web.page("public.example/", text("ok"));
    const [fetched] = await world.calls("web_fetch", [{ url: "http://public.example/" }]);
    expect(fetched?.output).toMatchObject({ body: "ok" });
    const [audit] = await world.session.events("permission_audit");
    expect(audit?.audit).toMatchObject({ decision: "allow", effective_mode: mode });
    const { json } = await world.daemon.call("permissionMatrix", { body: {} });
    const rows = (json.modes as { mode: string; tools: { tool_name: string; decision: string }[] }[]).find(
      (one) => one.mode === mode,
    );
    expect(rows?.tools.map(({ tool_name, decision }) => [tool_name, decision])).toEqual([
      ["web_fetch", "allow"],
      ["web_search", "allow"],
    ]);
  });

  it("an ask is asked where people are, and denied where nobody is to be asked", async () => {
    const outcomes: Record<string, string> = {};
    for (const mode of modes) {
      const world = await webRig({}, { permissionMode: mode });
      await rule(world, "ask", "ask", ["public.example"]);
      world.web.page("public.example/", text("ok"));
      const run = await fetching(world, "http://public.example/");
      const isAsked = mode !== "bypassPermissions" && mode !== "dontAsk";
      const { status } = await world.session.reaches(
        run.run_id,
        isAsked ? "waiting_for_approval" : "completed",
      );
      outcomes[mode] = isAsked ? status : `${status}, ${world.web.requests.length} requests`;
    }
    expect(outcomes).toEqual({
      default: "waiting_for_approval",
      acceptEdits: "waiting_for_approval",
      bypassPermissions: "completed, 1 requests",
      plan: "waiting_for_approval",
      dontAsk: "completed, 0 requests",
    });
  });

  it("they are for planning, and for children that plan", () => {
    for (const name of ["web_fetch", "web_search"]) {
      expect(PLAN_TOOLS.has(name)).toBe(true);
      expect(PLAN_PROFILE.has(name)).toBe(true);
    }
  });
});

describe("03-R8 03-R1 what the tools declare", () => {
  it("a ceiling below the network keeps both from running", async () => {
    const world = await webRig();
    await world.daemon.call("setToolLimits", { body: { limits: { max_sandbox: "workspace_write" } } });
    const [fetched] = await world.calls("web_fetch", [{ url: "http://public.example/" }]);
    expect(fetched).toMatchObject({ is_error: true, output: { quota: "sandbox", tool: "web_fetch" } });
    expect(world.web.resolved).toEqual([]);
  });
});

describe("02-R74 the ledger", () => {
  it("knows each host that was reached, and what refused the others; no path, no query, no password", async () => {
    const { web, daemon, session, recorded, calls } = await webRig();
    web.page("a.example/path", redirect("http://b.example:8080/other?token=hidden"));
    web.page("b.example:8080/other", redirect("http://b.example:8080/last"));
    web.page("b.example:8080/last", redirect("http://169.254.169.254/hidden"));
    await calls("web_fetch", [
      { url: "http://a.example/path?key=hidden" },
      { url: "http://me:hidden@a.example/" },
      { url: "nonsense hidden" },
      { url: "http://169.254.169.254/hidden" },
    ]);
    const [run] = await daemon.runs();
    const actions = await actionsOf(daemon, run?.run_id ?? "");
    const of = (id: string) =>
      actions
        .filter(({ tool_call_id }) => tool_call_id === id)
        .map(({ phase, kind, target, outcome }) => [phase, kind, target, outcome]);
    const fetch = (target: unknown, outcome: string) => [
      ["request", "web_fetch", target, undefined],
      ["failed", "web_fetch", target, outcome],
    ];
    expect(of("call-0")).toEqual(fetch("http://a.example", "failed:blocked_private_network"));
    expect(of("call-1")).toEqual(fetch("http://a.example", "failed:blocked_credentials"));
    expect(of("call-2")).toEqual(
      fetch(expect.stringMatching(/^invalid_url_sha256:[0-9a-f]{16}$/), "failed:invalid_request"),
    );
    expect(of("call-3")).toEqual(fetch("http://169.254.169.254", "failed:blocked_private_network"));
    const whose = {
      session_id: session.id,
      run_id: run?.run_id,
      tool_call_id: "call-0",
      principal_id: "test",
    };
    expect(recorded).toEqual([
      expect.objectContaining({
        ...whose,
        phase: "request",
        kind: "web_fetch",
        target: "http://b.example:8080",
      }),
      expect.objectContaining({
        ...whose,
        phase: "response",
        target: "http://b.example:8080",
        outcome: "ok",
      }),
      expect.objectContaining({ ...whose, phase: "request", target: "http://169.254.169.254" }),
      expect.objectContaining({ ...whose, phase: "failed", outcome: "failed:blocked_private_network" }),
    ]);
    expect(JSON.stringify([actions, recorded])).not.toContain("hidden");
  });

  it("knows a redirect that was under way when the call was stopped", async () => {
    const { web, session, rig, recorded } = await webRig();
    web.page("a.example/", redirect("http://b.example/"));
    web.page("b.example/", () => undefined);
    const run = await session.play([
      { tool_calls: [{ id: "call-0", name: "web_fetch", input: { url: "http://a.example/" } }] },
      { text: "done" },
    ]);
    await until("the second host to be asked", () => web.requests.length === 2);
    await rig.clock.advance(15_000);
    await session.reaches(run.run_id, "completed");
    await until("the record", () => recorded.length === 2);
    expect(recorded[1]).toMatchObject({
      target: "http://b.example",
      phase: "failed",
      outcome: "failed:interrupted",
    });
  });

  it("02-R80 keeps a redirect from being followed when it cannot vouch for it", async () => {
    const world = await webRig({ record: () => Promise.reject(new AuditRefused("the key store is gone")) });
    world.web.page("a.example/", redirect("http://b.example/"));
    world.web.page("b.example/", text("never shown"));
    const [result] = await world.calls("web_fetch", [{ url: "http://a.example/" }]);
    expect(result?.output).toMatchObject({
      failure_class: "permission",
      error: expect.stringContaining("refused"),
    });
    expect(world.web.requests).toEqual(["a.example /"]);
  });
});
