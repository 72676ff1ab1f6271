import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { watchDirectory } from "../../src/features/hooks/index.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig, RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";
import { deadLetters, HookWorld, hooksAt, setHooks } from "./hook-world.ts";

const createRig = useRigs();
const tools = createBuiltinTools({ hostEnv: {} }).all();
/** Watched in every session, and looked at last: when it was told of, so was what changed before. */
const MARK = "zzz";

class WatchWorld {
  readonly hooks = new HookWorld();
  readonly rig: Rig;
  #marks = 0;

  constructor(rig: Rig) {
    this.rig = rig;
  }

  static async create(): Promise<WatchWorld> {
    return new WatchWorld(await createRig(tools));
  }

  /** A daemon whose `session_start` hooks want these paths watched. */
  async boot(paths: readonly string[], more: Parameters<Rig["boot"]>[0] = {}): Promise<RiggedDaemon> {
    this.hooks.on("session_start", () => ({ watch_paths: [...paths, MARK] }));
    const daemon = await this.rig.boot({
      callbacks: this.hooks.callbacks,
      permissionMode: "bypassPermissions",
      ...more,
    });
    await setHooks(daemon, hooksAt(["session_start", "file_changed"]));
    return daemon;
  }

  async session(daemon: RiggedDaemon, id = "s"): Promise<TestSession> {
    const session = await TestSession.create(daemon, id);
    await this.run(session);
    return session;
  }

  async run(session: TestSession, ...turns: object[]): Promise<void> {
    // Tools that really work take real time.
    await session.reaches((await session.play([...turns, { text: "done" }])).run_id, "completed");
  }

  at(path: string): string {
    return join(this.rig.directory, "workspace", path);
  }

  write(path: string, text: string): Promise<void> {
    return writeFile(this.at(path), text);
  }

  /** What these sessions were told since the last time. */
  async told(...sessions: string[]): Promise<object[]> {
    const watching = sessions.length === 0 ? ["s"] : sessions;
    this.#marks += 1;
    await this.write(MARK, "x".repeat(this.#marks));
    const isMarked = (id: string) =>
      this.hooks.calls.some(({ session_id, subject }) => session_id === id && subject === MARK);
    await until("the look", async () => {
      await this.rig.clock.advance(1_000);
      return watching.every(isMarked);
    });
    return this.hooks.calls
      .splice(0)
      .filter(({ event, subject }) => event === "file_changed" && subject !== MARK)
      .map(({ session_id, subject, payload }) => ({ session_id, subject, payload }));
  }
}

const changed = (path: string, change: string, session_id = "s") => ({
  session_id,
  subject: path,
  payload: { path, change },
});

describe("watch_paths", () => {
  test("03 file_changed: what becomes of a watched path is told to the session's hooks", async () => {
    const world = await WatchWorld.create();
    await world.write("config.json", "{}");
    await mkdir(world.at("notes"));
    const daemon = await world.boot(["./config.json", "notes", "missing/yet"]);
    await world.session(daemon);
    expect(await world.told()).toEqual([]);

    await world.write("config.json", "{ }");
    await world.write("other.json", "{}");
    expect(await world.told()).toEqual([changed("config.json", "modified")]);

    await rm(world.at("config.json"));
    await world.write("notes/one", "1");
    await mkdir(world.at("missing"));
    await world.write("missing/yet", "here");
    expect(await world.told()).toEqual([
      changed("config.json", "deleted"),
      changed("missing/yet", "created"),
      changed("notes", "modified"),
    ]);

    await world.write("new", "{}");
    await rename(world.at("new"), world.at("config.json"));
    expect(await world.told()).toEqual([changed("config.json", "created")]);
    expect(await world.told()).toEqual([]);
  });

  test("outlives the daemon, and what changed meanwhile is told", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    await world.write("b", "1");
    const daemon = await world.boot(["a", "b"]);
    await world.session(daemon);
    await daemon.stop();
    await world.write("a", "22");
    world.hooks.calls.splice(0);
    const next = await world.rig.boot({ callbacks: world.hooks.callbacks, store: daemon.store });
    expect(await world.told()).toEqual([changed("a", "modified")]);
    await world.write("b", "22");
    expect(await world.told()).toEqual([changed("b", "modified")]);
    await next.stop();
  });

  test("ends with the session, and begins anew when it is opened again", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const daemon = await world.boot(["a"]);
    const session = await world.session(daemon);
    await world.session(daemon, "other");
    await session.call("endSession", {});
    await world.write("a", "22");
    expect(await world.told("other")).toEqual([changed("a", "modified", "other")]);
    await world.run(session);
    await world.write("a", "333");
    expect(await world.told("s", "other")).toEqual(
      expect.arrayContaining([changed("a", "modified", "other"), changed("a", "modified")]),
    );
  });

  test("of a session that ended as the daemon died are not taken up again", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const daemon = await world.boot(["a"]);
    const session = await world.session(daemon);
    await session.call("endSession", {});
    await daemon.stop();
    await world.write("a", "22");
    const next = await world.rig.boot({ callbacks: world.hooks.callbacks, store: daemon.store });
    await world.session(next, "control");
    expect(await world.told("control")).toEqual([]);
    const kept = await daemon.store.list("hook_watch", { index: "session", limit: 10 });
    expect(kept.map(({ data }) => data)).toMatchObject([
      { session_id: "control" },
      { session_id: "control" },
    ]);
  });

  test.each([
    ["out of the workspace", ["ok", "../secret"], "leads above the workspace root"],
    ["somewhere else", ["/etc/passwd"], "is outside the workspace"],
    ["too many", Array.from({ length: 65 }, (_, n) => `f${n}`), "one session watches 64 paths"],
  ])("that lead %s make the answer a failure, and nothing is watched", async (_, paths, error) => {
    const world = await WatchWorld.create();
    const daemon = await world.boot(paths);
    await world.session(daemon);
    expect(await deadLetters(daemon)).toMatchObject([
      { event: "session_start", hook_name: "guard", error: expect.stringContaining(error) },
    ]);
    expect(await daemon.store.list("hook_watch", { index: "session", limit: 10 })).toEqual([]);
  });

  test("beyond what one session may watch are a dead letter, and the others are watched", async () => {
    const world = await WatchWorld.create();
    const daemon = await world.boot(Array.from({ length: 59 }, (_, n) => `f${n}`));
    world.hooks.on("user_prompt_submit", () => ({
      watch_paths: Array.from({ length: 6 }, (_, n) => `g${n}`),
    }));
    await setHooks(daemon, hooksAt(["session_start", "user_prompt_submit", "file_changed"]));
    await world.session(daemon);
    expect(await deadLetters(daemon)).toMatchObject([
      { event: "user_prompt_submit", error: expect.stringContaining("2 of them are not watched") },
    ]);
    await world.write("g3", "");
    await world.write("g5", "");
    expect(await world.told()).toEqual([changed("g3", "created")]);
  });

  test("a change by a tool of the session is told once, with the call", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const daemon = await world.boot(["a"]);
    const session = await world.session(daemon);
    const write = { name: "write_file", input: { path: "a", content: "by the tool" } };
    await world.run(session, { tool_calls: [write] });
    expect(await world.told()).toEqual([
      {
        session_id: "s",
        subject: "a",
        payload: { path: "a", tool_name: "write_file", tool_call_id: expect.any(String) },
      },
    ]);
    await world.write("a", "by somebody else");
    expect(await world.told()).toEqual([changed("a", "modified")]);
  });

  test("are told of once by several daemons on one store", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const daemon = await world.boot(["a"]);
    await world.session(daemon);
    await world.rig.boot({ callbacks: world.hooks.callbacks, store: daemon.store, instanceId: "another" });
    await world.told();
    for (const text of ["22", "333", "4444"]) {
      await world.write("a", text);
      expect(await world.told()).toEqual([changed("a", "modified")]);
    }
  });

  test("are asked for by the hooks of a change, too", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const daemon = await world.boot(["a"]);
    world.hooks.on("file_changed", () => ({ watch_paths: ["b"] }));
    await world.session(daemon);
    await world.write("a", "22");
    expect(await world.told()).toEqual([changed("a", "modified")]);
    await world.told();
    await world.write("b", "1");
    expect(await world.told()).toEqual([changed("b", "created")]);
  });

  test("are looked at again after a store that failed", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    let failing = false;
    let failed = 0;
    const wrap = (inner: Store) =>
      around(inner, {
        commit: async (...args) => {
          if (!failing) return inner.commit(...args);
          failed += 1;
          throw new StoreError("unavailable", "the disk is gone");
        },
      });
    const daemon = await world.boot(["a"], { wrap });
    await world.session(daemon);
    await world.told();
    failing = true;
    await world.write("a", "22");
    await until("a look", async () => {
      await world.rig.clock.advance(1_000);
      return failed > 2;
    });
    failing = false;
    expect(await world.told()).toEqual([changed("a", "modified")]);
  });

  test("through a link that leads out see nothing of what is there", async () => {
    const world = await WatchWorld.create();
    await mkdir(join(world.rig.directory, "outside"));
    await symlink(join(world.rig.directory, "outside"), world.at("link"));
    const daemon = await world.boot(["link/file"]);
    await world.session(daemon);
    await writeFile(join(world.rig.directory, "outside", "file"), "x");
    expect(await world.told()).toEqual([]);
  });
});

describe("what the system says of a directory", () => {
  test("is heard before the next look", async () => {
    const world = await WatchWorld.create();
    await world.write("a", "1");
    const watching: string[] = [];
    const heard = Promise.withResolvers<void>();
    const daemon = await world.boot(["a"], {
      watchDirectory: (path, onChange) => {
        watching.push(path);
        return watchDirectory(path, () => {
          onChange();
          heard.resolve();
        });
      },
    });
    await world.session(daemon);
    await until("the directory to be watched", () => watching.length > 0);
    expect(watching).toEqual([join(world.rig.directory, "workspace")]);
    await world.write("a", "22");
    await heard.promise;
    // A tenth of the time to the next look.
    await world.rig.clock.advance(500);
    await until("the hooks", () => world.hooks.of("file_changed").length > 0);
    expect(world.hooks.of("file_changed")).toMatchObject([{ subject: "a", payload: { change: "modified" } }]);
  });

  test("ends with the daemon, and its absence is no error", async () => {
    expect(watchDirectory("/no/such/directory", () => {})).toBeUndefined();
    const world = await WatchWorld.create();
    const directory = world.at(".");
    const heard: number[] = [];
    const watching = watchDirectory(directory, () => heard.push(1));
    watching?.close();
    await world.write("a", "1");
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([]);
  });
});
