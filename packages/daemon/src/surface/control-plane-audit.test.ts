import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ControlPlaneAudit } from "./control-plane-audit.ts";
import type { SecurityEvent } from "./http/index.ts";

let stateRoot: string;
beforeEach(async () => {
  stateRoot = await mkdtemp(join(tmpdir(), "kheish-audit-"));
});
afterEach(() => rm(stateRoot, { recursive: true, force: true }));

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const event = (path: string): SecurityEvent => ({
  timestamp_ms: 1_700_000_000_000,
  event: "auth_failure",
  method: "GET",
  path,
  reason: "missing_token",
  remote_addr: "127.0.0.1",
  required_access: "read_only",
});
const folder = () => join(stateRoot, "control-plane-auth");
const linesOf = async (name: string) =>
  (await readFile(join(folder(), name), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("02 control-plane audit line", () => {
  it("is one JSON line for each refused caller, for the daemon's user alone, kept across restarts", async () => {
    for (const path of ["/v1/status", "/v1/runs"]) {
      const audit = await ControlPlaneAudit.open(stateRoot, silent);
      audit.record(event(path));
      await audit.close();
    }
    expect(await linesOf("audit.jsonl")).toEqual([event("/v1/status"), event("/v1/runs")]);
    expect((await stat(join(folder(), "audit.jsonl"))).mode & 0o777).toBe(0o600);
    expect((await stat(folder())).mode & 0o777).toBe(0o700);
  });

  it("has an end, whoever knocks: four old files, the newest lines in the first", async () => {
    const audit = await ControlPlaneAudit.open(stateRoot, silent, 1_000);
    for (let index = 0; index < 100; index++) audit.record(event(`/v1/runs/${index}`));
    await audit.close();
    const names = ["audit.jsonl", ...[1, 2, 3, 4].map((age) => `audit.${age}.jsonl`)];
    expect((await readdir(folder())).toSorted()).toEqual(names.toSorted());
    const paths: string[] = [];
    for (const name of names.toReversed()) {
      expect((await stat(join(folder(), name))).size).toBeLessThanOrEqual(1_000);
      expect((await stat(join(folder(), name))).mode & 0o777).toBe(0o600);
      for (const line of await linesOf(name)) paths.push(line.path);
    }
    const last = paths.map((_, index) => `/v1/runs/${100 - paths.length + index}`);
    expect(paths).toEqual(last);
  });

  it("a burst that no disk could follow is counted, not kept in memory", async () => {
    const audit = await ControlPlaneAudit.open(stateRoot, silent);
    for (let index = 0; index < 10_500; index++) audit.record(event("/v1/status"));
    await audit.close();
    const lines = await linesOf("audit.jsonl");
    expect(lines).toHaveLength(10_000);
    expect(lines.reduce((sum, line) => sum + (line.dropped_lines ?? 0), 0)).toBe(500);
  });
});
