import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { SessionView, SkillSummary } from "@kheish/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";

/** The package as it is published, in a folder with nothing else: whatever it needs must be in it. */
const BUILD = fileURLToPath(new URL("../../../../scripts/build.ts", import.meta.url));
const run = promisify(execFile);
let folder: string;
let bin: string;
let server: PostgresServer | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kheish-published-"));
  await run(process.execPath, [BUILD, "--out", folder, "daemon"]);
  bin = join(folder, "daemon", "bin", "kheish.js");
  server = await startPostgres();
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts `kheish serve` and resolves with its address, in its own words, when it is ready. */
async function serve(...flags: string[]): Promise<{ baseUrl: string; stop: () => Promise<void> }> {
  const general = ["--bind", "127.0.0.1:0", "--log-format", "json"];
  const args = [bin, "serve", ...general, "--permission-mode", "bypass-permissions", ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const address = Promise.withResolvers<string>();
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += String(chunk);
      const [, baseUrl] = /"base_url":"([^"]+)".*"kheish is ready".*\n/.exec(said) ?? [];
      if (baseUrl !== undefined) address.resolve(baseUrl);
    });
  child.once("exit", () => address.reject(new Error(said)));
  return {
    baseUrl: await address.promise,
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}

async function cli(...argv: string[]): Promise<string> {
  return (await run(process.execPath, [bin, ...argv])).stdout;
}

test("the published package installs nothing else, and says whose work is in it", async () => {
  const manifest = JSON.parse(await readFile(join(folder, "daemon", "package.json"), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(manifest.bin).toMatchObject({ kheish: "bin/kheish.js" });
  for (const file of [...manifest.files, manifest.bin.kheish, "LICENSE"])
    expect(existsSync(join(folder, "daemon", file)), file).toBe(true);
  const notices = await readFile(join(folder, "daemon", "THIRD-PARTY-NOTICES"), "utf8");
  for (const name of ["hono", "zod", "pg", "pino", "@ai-sdk/anthropic", "commander", "react", "yaml"])
    expect(notices).toMatch(new RegExp(`^${name} \\d`, "m"));
  expect(JSON.parse(await cli("--version").then((version) => JSON.stringify(version.trim())))).toContain(
    manifest.version,
  );
});

test("the published package passes its own demo", async () => {
  expect(await cli("demo")).toMatch(/demo: ok run=\S+ restarts=[1-9]\d* tool_calls=11 repeated=0/);
});

test.each(["sqlite", "postgres"])(
  "the published package serves, searches, measures and backs up on %s",
  async (engine) => {
    const place = join(folder, engine);
    const workspace = join(place, "workspace");
    await mkdir(workspace, { recursive: true });
    await writeFile(join(workspace, "note.txt"), "the needle is here\n");
    const store = engine === "sqlite" ? "sqlite" : ((await server?.createDatabase()) ?? "");
    const places = ["--state-root", join(place, "state"), "--workspace-root", workspace];
    const daemon = await serve("--store", store, ...places);
    try {
      const call = { name: "grep_search", input: { pattern: "needle" } };
      const content = JSON.stringify({ simulate: [{ text: "", tool_calls: [call] }, { text: "found it" }] });
      const target = ["--base-url", daemon.baseUrl];
      await cli("sessions", "create", "s", ...target);
      const answer = await fetch(`${daemon.baseUrl}/v1/sessions/s/input`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ content }),
      });
      const session = (await answer.json()) as SessionView;
      expect(session.snapshot.last_assistant_message).toBe("found it");
      const events = await fetch(`${daemon.baseUrl}/v1/sessions/s/events`);
      expect(await events.text()).toContain("the needle is here");
      expect(await (await fetch(`${daemon.baseUrl}/metrics`)).text()).toContain("kheish_");
      expect(await (await fetch(`${daemon.baseUrl}/inbox`)).text()).toContain('src="/assets/');
      expect(await (await fetch(`${daemon.baseUrl}/v1/docs/durability`)).text()).toContain("# Durability");
      const skills = JSON.parse(await cli("skills", "list", ...target)) as SkillSummary[];
      expect(skills.filter(({ scope }) => scope === "built_in").length).toBeGreaterThanOrEqual(12);
      const archive = join(place, "backup.tar");
      await cli("backup", "--out", archive, ...target);
      expect(await cli("restore", archive, "--verify")).not.toBe("");
    } finally {
      await daemon.stop();
    }
  },
);
