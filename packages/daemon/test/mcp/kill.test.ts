import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { eventually, McpControl, nodeServer, SAY, tomlServer } from "./support.ts";

/** Real processes: a daemon and its servers, either killed with SIGKILL while a call is under way. */
const LEDGER = fileURLToPath(new URL("./ledger-server.ts", import.meta.url));

async function world() {
  const directory = await mkdtemp(join(tmpdir(), "kheish-mcp-kill-"));
  const place = {
    directory,
    workspace: join(directory, "workspace"),
    stateRoot: join(directory, "state"),
    log: join(directory, "daemon.log"),
  };
  await mkdir(place.workspace);
  const config = join(directory, "mcp.toml");
  const servers =
    tomlServer("l", { command: process.execPath, args: [LEDGER, directory] }) +
    tomlServer("m", { ...nodeServer("memory"), env: { MEMORY_FILE_PATH: join(directory, "memory.jsonl") } });
  await writeFile(config, servers);
  const flags = ["--permission-mode", "bypass-permissions", "--mcp-config", config];
  const daemon = await DaemonProcess.start(place, processContext().clock, flags);
  onTestFinished(async () => {
    await daemon.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const control = new McpControl(daemon);
  return {
    daemon,
    control,
    session: await control.session(),
    letGo: () => writeFile(join(directory, "go"), ""),
    /** Lines of the ledger that begin with a word. */
    async lines(word: string): Promise<string[]> {
      const text = await readFile(join(directory, "ledger"), "utf8").catch(() => "");
      return text.split("\n").filter((line) => line.startsWith(`${word} `));
    },
  };
}

type World = Awaited<ReturnType<typeof world>>;

/** Begins a call and waits until its server is at work; answers the server's process. */
async function working({ control, session, lines }: World, effect: string) {
  const run = await control.play(session, [control.callOf(`mcp__l__work_${effect}`, { name: "it" }), SAY]);
  const [line = ""] = await eventually(async () => {
    const begun = await lines("begin");
    return begun.length > 0 ? begun : undefined;
  });
  return { run, pid: Number(line.split(" ").at(-1)) };
}

const keysOf = (lines: readonly string[]) => lines.map((line) => line.split(" ")[2]);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const gone = (pid: number) => eventually(async () => (isAlive(pid) ? undefined : true));

describe.each(["the server", "the daemon"] as const)("when %s is killed in the middle of a call", (who) => {
  async function kill({ daemon }: World, pid: number): Promise<void> {
    if (who === "the server") {
      process.kill(pid, "SIGKILL");
      return;
    }
    await daemon.kill();
    await gone(pid);
    await daemon.restart();
  }

  test("03, MCP client: what must not happen twice is not repeated, and its outcome is told as unknown", async () => {
    const scene = await world();
    const { run, pid } = await working(scene, "once");
    await kill(scene, pid);
    expect(await scene.control.result(run)).toMatchObject({
      error: "interrupted, outcome unknown",
      outcome: "unknown",
      tool: "mcp__l__work_once",
    });
    expect(await scene.lines("begin")).toHaveLength(1);
    // The server is there again, and so is what other servers keep.
    await scene.letGo();
    expect(await scene.control.called(scene.session, "mcp__l__work_once", { name: "next" })).toMatchObject({
      content: [{ text: "did next" }],
    });
  });

  test.each(["read", "idempotent"])("what may be repeated is, under the same key: %s", async (effect) => {
    const scene = await world();
    const { run, pid } = await working(scene, effect);
    await kill(scene, pid);
    await eventually(async () => ((await scene.lines("begin")).length > 1 ? true : undefined));
    await scene.letGo();
    expect(await scene.control.result(run)).toMatchObject({ content: [{ text: "did it" }] });
    const keys = keysOf(await scene.lines("begin"));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^kheish-[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
  });
});

test("03, MCP client: servers end with their daemon, however it ends, and find their data again", async () => {
  const scene = await world();
  const { control, session, daemon } = scene;
  const entities = [{ name: "Ada", entityType: "person", observations: ["wrote the first program"] }];
  await control.called(session, "mcp__m__create_entities", { entities });
  const { pid } = await working(scene, "read");
  await daemon.kill();
  await gone(pid);
  await scene.letGo();
  await daemon.restart();
  const graph = await control.called(session, "mcp__m__read_graph");
  expect(graph).toMatchObject({ structured_content: { entities } });
  const [line = ""] = (await scene.lines("begin")).slice(-1);
  const again = Number(line.split(" ").at(-1));
  expect(isAlive(again)).toBe(true);
  await daemon.stop();
  await gone(again);
});

test("03, MCP client: a question outlives the daemon that asked it", async () => {
  const { daemon, control, session, lines } = await world();
  const run = await control.play(session, [control.callOf("mcp__l__order_once", { item: "hat" }), SAY]);
  await control.reaches(run, "waiting_for_user_question");
  await daemon.kill();
  await daemon.restart();
  await control.answers(run, [{ question_id: "size", selected_option_ids: ["value-1"] }]);
  expect(await control.result(run)).toMatchObject({ content: [{ text: "ordered large hat" }] });
  expect(await lines("ordered")).toEqual(["ordered large hat"]);
});
