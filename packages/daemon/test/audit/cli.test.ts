import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { ServedDaemon } from "../support/served.ts";

let daemon: ServedDaemon;
let directory: string;
let runId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-audit-cli-"));
  daemon = await ServedDaemon.start({ store: "sqlite", permissionMode: "bypassPermissions" });
  await post("/v1/sessions", { session_id: "s" });
  const script = {
    simulate: [{ tool_calls: [{ name: "bash", input: { command: "true" } }] }, { text: "done" }],
  };
  await post("/v1/sessions/s/input", { content: JSON.stringify(script) });
  const runs = JSON.parse((await audit("runs", "list")).stdout) as RunView[];
  runId = runs[0]?.run_id ?? "";
  await audit("runtime", "set-permission-mode", "plan");
});
afterAll(async () => {
  await daemon.remove();
  await rm(directory, { recursive: true, force: true });
});

async function post(path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${daemon.baseUrl}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
}

function audit(...argv: string[]) {
  return kheish([...argv, "--base-url", daemon.baseUrl], { workingDirectory: directory });
}

/** Without a daemon. */
function offline(...argv: string[]) {
  return kheish(["--base-url", "http://127.0.0.1:1", ...argv], { workingDirectory: directory });
}

describe("kheish runs external-actions", () => {
  test("02-R79 the wire says how many of the records no anchor has signed for yet", async () => {
    await audit("audit", "export", "--out", "anchors-first.jsonl");
    const { headers } = await fetch(`${daemon.baseUrl}/v1/runs/${runId}/external-actions`);
    expect(headers.get("x-audit-unsigned-count")).toBe("0");
  });

  test("02-R74 lists what a run did", async () => {
    const { code, stdout } = await audit("runs", "external-actions", runId);
    expect(code).toBe(0);
    const records = JSON.parse(stdout) as { kind: string; phase: string; session_id: string }[];
    expect(records.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
      "provider_request request",
      "provider_request response",
      "shell request",
      "shell response",
      "provider_request request",
      "provider_request response",
    ]);
    const seen = await kheish(["runs", "external-actions", runId, "--base-url", daemon.baseUrl], {
      columns: 120,
      env: { NO_COLOR: "1" },
    });
    expect(seen.stdout).toMatch(/^TIME\s+PHASE\s+KIND\s+TARGET\s+OUTCOME/);
    expect((await audit("runs", "external-actions", "run-99")).code).toBe(5);
  });
});

describe("kheish audit", () => {
  test("02-A1 exports a file that only its owner reads, and verifies it without the daemon", async () => {
    expect(await audit("audit", "export", "--out", "a.jsonl")).toMatchObject({ code: 0, stderr: "" });
    expect((await stat(join(directory, "a.jsonl"))).mode & 0o777).toBe(0o600);
    await writeFile(join(directory, "keys.json"), (await audit("audit", "keys")).stdout);

    const { code, stdout } = await offline("audit", "verify", "a.jsonl", "--public-key", "keys.json");
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as { anchor: { number: number; anchor_hash: string } };
    expect(report).toMatchObject({ ok: true, records: 6 + 2, buckets: 2, notes: [] });

    const anchor = `${report.anchor.number}:${report.anchor.anchor_hash}`;
    expect((await offline("audit", "verify", "a.jsonl", "--anchor", anchor, "--every-signature")).code).toBe(
      0,
    );
    const other = `${report.anchor.number}:${"0".repeat(64)}`;
    expect(await offline("audit", "verify", "a.jsonl", "--anchor", other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("set back"),
    });
  });

  test("02-A1 says what is wrong with a file, and where", async () => {
    await audit("audit", "export", "--out", "b.jsonl");
    const text = await readFile(join(directory, "b.jsonl"), "utf8");
    const line = text.split("\n").findIndex((one) => one.includes('"kind":"shell"')) + 1;
    await writeFile(join(directory, "b.jsonl"), text.replace('"kind":"shell"', '"kind":"fetch"'));
    const { code, stdout, stderr } = await kheish(["audit", "verify", "b.jsonl"], {
      workingDirectory: directory,
      columns: 100,
      env: { NO_COLOR: "1" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`record 3 of '${runId}' was changed`);
    expect(stdout).toContain(`line ${line}: record_changed: record 3 of '${runId}' was changed`);
    expect(stdout).toContain("Note: no public key was given");
  });

  test("02-A1 says of another program's file that it is no export, and speaks of no key", async () => {
    await writeFile(join(directory, "other.txt"), "version = 1\n");
    const { code, stdout, stderr } = await kheish(["audit", "verify", "other.txt"], {
      workingDirectory: directory,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("this is no line of an audit export");
    expect(stdout).not.toContain("undefined");
  });

  test("02-A1 does not trust a key that it was not given", async () => {
    await audit("audit", "export", "--out", "c.jsonl", "--run", runId);
    const { publicKey } = generateKeyPairSync("ed25519");
    await writeFile(join(directory, "other.pem"), publicKey.export({ type: "spki", format: "pem" }));
    const refused = await offline("audit", "verify", "c.jsonl", "--public-key", "other.pem");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("vouches for key") });
    await writeFile(join(directory, "none.txt"), "no key");
    expect((await offline("audit", "verify", "c.jsonl", "--public-key", "none.txt")).code).toBe(2);
    expect((await offline("audit", "verify", "absent.jsonl")).code).toBe(2);
  });

  test("an export that fails leaves the file as it was", async () => {
    await writeFile(join(directory, "kept.jsonl"), "kept");
    expect((await offline("audit", "export", "--out", "kept.jsonl")).code).toBe(3);
    expect(await readFile(join(directory, "kept.jsonl"), "utf8")).toBe("kept");
    await expect(stat(join(directory, "kept.jsonl.part"))).rejects.toThrow("ENOENT");
  });
});

describe("02-R81 the key of a state root", () => {
  test("is made for its owner alone, stays over restarts, and its loss is no new beginning", async () => {
    const path = join(daemon.directory, "state", "audit-signing.key");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const content = await readFile(path);
    expect(JSON.parse(content.toString())).toEqual({
      algorithm: "ed25519",
      secret_key_hex: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const { stdout: keys } = await audit("audit", "keys");
    await daemon.restart();
    expect((await audit("audit", "keys")).stdout).toBe(keys);
    expect((await audit("runs", "external-actions", runId)).code).toBe(0);

    await daemon.stop();
    await rm(path);
    await expect(daemon.start()).rejects.toThrow(/the key that signed them is missing/);
    await writeFile(path, content);
    await daemon.start();
  });
});
