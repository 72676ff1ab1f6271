import type { DaemonStatusView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { createSynchronousSigner, type Signer } from "../../src/governance/audit/index.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig, RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const key = createSynchronousSigner(Buffer.alloc(32, 6));

/** A key that can be taken away. */
class FragileSigner implements Signer {
  readonly keyId = key.keyId;
  isBroken = false;
  sign(message: string): Promise<string> | string {
    return this.isBroken ? Promise.reject(new Error("the key store is gone")) : key.sign(message);
  }
}

async function daemonWith(signer: Signer) {
  const sent: unknown[] = [];
  let onSend = async () => {};
  const send = testTool("send", {
    effect: "once",
    execute: async (input) => {
      sent.push(input);
      await onSend();
      return succeeded({ sent: true });
    },
  });
  const rig: Rig = await createRig([send]);
  const daemon = await rig.boot({ auditKeys: { signer } });
  await daemon.call("setPermissionMode", { body: { mode: "bypassPermissions" } });
  const session = await TestSession.create(daemon);
  const whenSent = (then: () => Promise<void>) => {
    onSend = then;
  };
  return { rig, daemon, session, sent, whenSent };
}

/** The key is gone, and the next anchor meets it. */
async function broken(signer: FragileSigner, rig: Rig): Promise<void> {
  signer.isBroken = true;
  await rig.clock.advance(1_000);
}

const SEND = [{ tool_calls: [{ name: "send", input: {} }] }, { text: "done" }];

async function healthOf(daemon: RiggedDaemon) {
  const { audit, health } = (await daemon.call("status")).json as unknown as DaemonStatusView;
  return { audit, codes: health.warnings.map(({ code }) => code), ok: health.ok };
}

describe("02-R80: when the ledger cannot vouch for it, nothing leaves", () => {
  test("the run gets the error, health says so, and it ends by itself", async () => {
    const signer = new FragileSigner();
    const { rig, daemon, session, sent } = await daemonWith(signer);
    await broken(signer, rig);
    const run = await session.play(SEND);
    expect(await session.settled(run.run_id)).toMatchObject({
      status: "failed",
      error: "external action refused: the key store is gone",
    });
    expect(sent).toEqual([]);
    expect(await healthOf(daemon)).toMatchObject({
      ok: false,
      codes: expect.arrayContaining(["external_action_audit_failed"]),
      audit: { ok: false, refused_action_count: 1, failure: { reason: "the key store is gone" } },
    });

    signer.isBroken = false;
    await rig.clock.advance(1_000);
    expect(await healthOf(daemon)).toMatchObject({ ok: true, codes: [], audit: { ok: true } });
    const next = await session.play(SEND);
    expect(await session.settled(next.run_id)).toMatchObject({ status: "completed" });
    expect(sent).toHaveLength(1);
    // What was chained meanwhile is signed.
    await rig.clock.advance(2_000);
    expect((await healthOf(daemon)).audit).toMatchObject({ unsigned_bucket_count: 0 });
  });

  test("what had left when it failed is remembered, and nothing follows it", async () => {
    const signer = new FragileSigner();
    const { rig, session, sent, whenSent, daemon } = await daemonWith(signer);
    whenSent(() => broken(signer, rig));
    const run = await session.play(SEND);
    expect(await session.settled(run.run_id)).toMatchObject({ status: "failed", usage: { tool_calls: 1 } });
    expect(sent).toHaveLength(1);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "settled", result: { output: { sent: true } } },
    ]);
    expect((await healthOf(daemon)).audit).toMatchObject({ ok: false, unrecorded_outcome_count: 1 });
  });

  test("02 weakness 6: an operator's change is refused with a problem, and changes nothing", async () => {
    const signer = new FragileSigner();
    const { rig, daemon, session } = await daemonWith(signer);
    await broken(signer, rig);
    const unavailable = { domain: "audit", code: "audit_unavailable", status: 503 };
    await expect(daemon.call("setPermissionMode", { body: { mode: "plan" } })).rejects.toMatchObject(
      unavailable,
    );
    const operator = { enabled: true, allow_notify: true, allow_questions: true };
    await expect(session.call("putOperator", { operator })).rejects.toMatchObject(unavailable);
    const { runtime } = (await daemon.call("status")).json as unknown as DaemonStatusView;
    expect(runtime.permission_mode).toBe("bypassPermissions");
  });

  test("02 weakness 6: authority can be taken away all the same, and health counts what went unrecorded", async () => {
    const signer = new FragileSigner();
    const { rig, daemon } = await daemonWith(signer);
    await broken(signer, rig);
    await daemon.call("revokeSubject", { params: { subject_id: "session:s" }, body: { reason: "odd" } });
    await expect(
      daemon.call("reinstateSubject", { params: { subject_id: "session:s" }, body: { reason: "checked" } }),
    ).rejects.toMatchObject({ code: "audit_unavailable" });
    const { json } = await daemon.call("getSubject", { params: { subject_id: "session:s" } });
    expect(json).toMatchObject({ revoked: true });
    expect((await healthOf(daemon)).audit).toMatchObject({ ok: false, unrecorded_outcome_count: 1 });
  });

  test("a disk that is full takes records and effects together, and is told until a write succeeds", async () => {
    let isFull = false;
    const full = (store: Store): Store =>
      new Proxy(store, {
        get(target, name) {
          const member = Reflect.get(target, name) as unknown;
          if (typeof member !== "function") return member;
          if (name !== "commit" || !isFull) return member.bind(target);
          return () => Promise.reject(new StoreError("full", "the disk is full"));
        },
      });
    const sent: unknown[] = [];
    const send = testTool("send", {
      execute: async (input) => {
        sent.push(input);
        return succeeded("sent");
      },
    });
    const rig = await createRig([send]);
    const daemon = await rig.boot({ wrap: full });
    await TestSession.create(daemon);
    isFull = true;
    await expect(daemon.call("setPermissionMode", { body: { mode: "plan" } })).rejects.toThrow("full");
    expect((await healthOf(daemon)).audit).toMatchObject({
      ok: false,
      failure: { reason: "the disk is full" },
    });
    isFull = false;
    expect((await healthOf(daemon)).audit).toMatchObject({ ok: true });
    expect(sent).toEqual([]);
  });
});

describe("02 weakness 6: changes of a session's authority", () => {
  test("stand in the session's bucket, with who made them and what they were", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    await session.call("putCapabilityScope", { capability_scope: { mcp_tool_deny: ["*"] } });
    await session.call("deleteCapabilityScope");
    const page = (await daemon.call("exportAudit", { query: { session_id: "s" } })).json as unknown as {
      lines: string[];
    };
    const changes = page.lines
      .map((line) => JSON.parse(line) as { type: string; bucket?: string; record?: object; detail?: object })
      .filter(({ type }) => type === "record");
    expect(changes).toMatchObject([
      {
        bucket: "session-s",
        record: {
          principal_id: "test",
          kind: "admin_change",
          target: "session/capability_scope",
          session_id: "s",
        },
        detail: { change: { value: { mcp_tool_deny: ["*"] } } },
      },
      { bucket: "session-s", detail: { change: { value: null } } },
    ]);
  });
});
