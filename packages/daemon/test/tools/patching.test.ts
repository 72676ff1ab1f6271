import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PermissionMode } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import type { Store } from "../../src/kernel/store.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { dyingAt } from "../../src/tools/testing/faulty-disk.ts";
import { HookWorld, hooksAt, setHooks } from "../hooks/hook-world.ts";
import { killable } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();
const tools = createBuiltinTools({ hostEnv: {} }).all();
const hunks = ["a.txt", "docs/b.txt"].map((path) => ({ path, old_text: "old", new_text: "new" }));
const patch = { tool_calls: [{ name: "apply_patch", input: { hunks } }] };
const files = { "a.txt": "old\n", "docs/b.txt": "old\n" };

async function world(mode: PermissionMode) {
  const hooks = new HookWorld();
  const rig = await createRig(tools);
  const workspace = join(rig.directory, "workspace");
  const daemon = await rig.boot({ clock: systemClock, permissionMode: mode, callbacks: hooks.callbacks });
  await setHooks(daemon, hooksAt(["file_changed"]));
  await mkdir(join(workspace, "docs"));
  for (const [path, text] of Object.entries(files)) await writeFile(join(workspace, path), text);
  const session = await TestSession.create(daemon);
  return {
    daemon,
    session,
    hooks,
    async now() {
      const texts = Object.keys(files).map((path) => readFile(join(workspace, path), "utf8"));
      return Promise.all(texts);
    },
    async play(...turns: object[]) {
      const { run_id } = await session.play([...turns, { text: "done" }]);
      await until("the run to rest", async () =>
        ["completed", "waiting_for_approval"].includes((await session.run(run_id)).status),
      );
      return session.run(run_id);
    },
    async audit() {
      return (await session.events("permission_audit")).map(({ audit }) => audit);
    },
  };
}

describe("a patch in a run", () => {
  test("03-R22 needs nobody's yes where edits are accepted, and each file that it changed is told to hooks", async () => {
    const { play, now, audit, hooks } = await world("acceptEdits");
    expect(await play(patch)).toMatchObject({ status: "completed" });
    expect(await now()).toEqual(["new\n", "new\n"]);
    expect(await audit()).toMatchObject([
      { decision: "allow", base_decision: "ask", mode_effect: "accept_edits_auto_allowed_edit_approval" },
    ]);
    await until("both hooks", () => hooks.of("file_changed").length === 2);
    expect(hooks.of("file_changed").map(({ subject }) => subject)).toEqual(["a.txt", "docs/b.txt"]);
  });

  test("03-R22 is denied while planning, and changes nothing", async () => {
    const { play, now, audit } = await world("plan");
    expect(await play(patch)).toMatchObject({ status: "completed" });
    expect(await now()).toEqual(["old\n", "old\n"]);
    expect(await audit()).toMatchObject([{ mode_effect: "plan_mode_denied_non_whitelisted_tool" }]);
  });

  test("03-A7 is stopped by a rule about any one of its files", async () => {
    const { daemon, play, now, audit } = await world("acceptEdits");
    const rule = { scope: "user", tool_name_pattern: "*", match: { path: ["docs/**"] }, behavior: "deny" };
    await daemon.call("setPermissionRule", { params: { rule_id: "docs" }, body: rule });
    await play(patch);
    expect(await now()).toEqual(["old\n", "old\n"]);
    expect(await audit()).toMatchObject([{ decision: "deny", matched_rule_id: "docs" }]);
  });

  test("asks for one yes for all of its files, and says why it failed as the model reads it", async () => {
    const { session, play, now } = await world("default");
    const run = await play(patch, patch);
    const [first] = run.pending_approvals ?? [];
    expect(first).toMatchObject({ tool_name: "apply_patch", input: { hunks } });
    await session.resolve(run.run_id, { request_id: first?.id ?? "", behavior: "allow" });
    await until("the next request", async () => {
      const [next] = (await session.run(run.run_id)).pending_approvals ?? [];
      return next !== undefined && next.id !== first?.id;
    });
    expect(await now()).toEqual(["new\n", "new\n"]);
    const [second] = (await session.run(run.run_id)).pending_approvals ?? [];
    await session.resolve(run.run_id, { request_id: second?.id ?? "", behavior: "allow" });
    await session.reaches(run.run_id, "completed");
    expect(await session.outputs()).toMatchObject([
      { file_count: 2 },
      { error: "hunks[0]: old_text does not occur in 'a.txt'", hunk: 0, path: "a.txt" },
    ]);
  });
});

describe("a patch whose daemon dies", () => {
  /** Its disk freezes at one change, and it with it; another daemon takes over. */
  async function takenOver(dieAt: number) {
    // The locks of a dead process are gone.
    const rig = await createRig(() => createBuiltinTools({ hostEnv: {} }).all());
    const workspace = join(rig.directory, "workspace");
    await mkdir(join(workspace, "docs"));
    for (const [path, text] of Object.entries(files)) await writeFile(join(workspace, path), text);
    const options = { clock: systemClock, permissionMode: "bypassPermissions" as const };
    const victims: ReturnType<typeof killable>[] = [];
    const wrap = (store: Store) => {
      const victim = killable(store);
      victims.push(victim);
      return victim.store;
    };
    const first = await rig.boot({ ...options, wrap });
    const session = await TestSession.create(first);
    const died = await dyingAt(dieAt, -1, async () => {
      const { run_id } = await session.play([patch, { text: "{{last_tool_output}}" }]);
      await until("the run to end", async () => (await session.run(run_id)).status === "completed");
    });
    for (const victim of victims) victim.kill();
    const torn = await readdir(workspace);
    const next = await rig.boot({ ...options, store: first.store });
    const [run] = await next.runs();
    const after = new TestSession(next);
    await until("the run to end", async () => (await after.run(run?.run_id ?? "")).status === "completed");
    const texts = await Promise.all(
      Object.keys(files).map((path) => readFile(join(workspace, path), "utf8")),
    );
    const finished = await after.events("tool_call_finished");
    return { died, torn, texts, finished, left: await readdir(workspace) };
  }

  test.each([
    ["before its first change", 0, false],
    ["with its files staged", 5, true],
    ["with one of two files replaced", 12, true],
    ["with both files replaced", 15, true],
  ])("%s is succeeded by one that makes it whole, once", async (_, dieAt, isTorn) => {
    const { died, torn, texts, finished, left } = await takenOver(dieAt);
    expect(died).toBe(true);
    expect(torn.some((name) => name.startsWith(".kheish-"))).toBe(isTorn);
    expect(texts).toEqual(["new\n", "new\n"]);
    expect(finished).toMatchObject([{ result: { is_error: false, output: { file_count: 2 } } }]);
    expect(left.sort()).toEqual(["a.txt", "docs"]);
  });
});
