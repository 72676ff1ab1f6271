import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { Client } from "../http/support/client.ts";
import { ServedDaemon } from "../support/served.ts";
import { accessSuite } from "./suite.ts";
import { ADMIN, GuardedDaemon } from "./support.ts";

describe("named tokens on SQLite", () => {
  accessSuite(async () => ({ store: "sqlite" }));

  test("02-A7 a token's secret is in no file of the state root, and works after a restart", async () => {
    const guarded = await GuardedDaemon.start({ store: "sqlite" });
    onTestFinished(() => guarded.daemon.remove());
    const { secret } = await guarded.token({});
    expect(await guarded.outcome(secret, "GET", "/v1/status")).toBe("200");
    await guarded.daemon.stop();
    const root = join(guarded.daemon.directory, "state");
    const files = await readdir(root, { recursive: true, withFileTypes: true });
    const contents = await Promise.all(
      files
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(join(entry.parentPath, entry.name), "latin1")),
    );
    expect(contents.some((content) => content.includes("token_created"))).toBe(true);
    for (const content of contents) expect(content).not.toContain(secret.slice(-64));
    await guarded.daemon.start();
    expect(await guarded.outcome(secret, "GET", "/v1/status")).toBe("200");
  });

  test("02-A1 an operator makes, lists, uses and revokes a token from the command line", async () => {
    const guarded = await GuardedDaemon.start({ store: "sqlite" });
    onTestFinished(() => guarded.daemon.remove());
    const cli = (token: string, ...argv: string[]) =>
      kheish(["--base-url", guarded.daemon.baseUrl, "--token", token, ...argv]);
    const wanted = ["--verb", "read", "--resource", "sessions", "--expires-in", "90d"];
    const created = JSON.parse((await cli(ADMIN, "tokens", "create", "eyes", ...wanted)).stdout);
    expect((await cli(created.secret, "sessions", "list")).code).toBe(0);
    expect((await cli(created.secret, "sessions", "create", "mine")).code).toBe(4);
    const listed = JSON.parse((await cli(ADMIN, "tokens", "list")).stdout);
    expect(listed).toMatchObject([{ name: "eyes", last_used_at_ms: expect.any(Number) }]);
    expect((await cli(ADMIN, "tokens", "revoke", "eyes")).code).toBe(0);
    expect((await cli(created.secret, "sessions", "list")).code).toBe(4);
  });

  test("02 control-plane audit line: a refusal is in the file of the state root, and no token is", async () => {
    const guarded = await GuardedDaemon.start({ store: "sqlite" });
    onTestFinished(() => guarded.daemon.remove());
    const { secret, name } = await guarded.token({ verbs: ["read"], resources: ["sessions/a"] });
    await guarded.outcome("nonsense-token", "GET", "/v1/runs?token=nonsense-token");
    await guarded.outcome(secret, "GET", "/v1/sessions/b");
    await guarded.daemon.stop();
    const audit = join(guarded.daemon.directory, "state", "control-plane-auth", "audit.jsonl");
    const text = await readFile(audit, "utf8");
    expect(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        timestamp_ms: expect.any(Number),
        ...{ event: "auth_failure", method: "GET", path: "/v1/runs", reason: "invalid_token" },
        ...{ remote_addr: "127.0.0.1", required_access: "read_only" },
      },
      {
        timestamp_ms: expect.any(Number),
        ...{ event: "auth_failure", method: "GET", path: "/v1/sessions/b", reason: "insufficient_access" },
        ...{ remote_addr: "127.0.0.1", required_access: "read_only", principal: `token:${name}` },
      },
    ]);
    expect((await stat(audit)).mode & 0o777).toBe(0o600);
    for (const token of [secret, "nonsense-token"]) expect(text).not.toContain(token);
  });

  test("02-R87 status says which token file is of no use", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kheish-tokens-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const [admin, reader] = [join(directory, "admin"), join(directory, "reader")];
    await writeFile(admin, "first\n");
    const daemon = await ServedDaemon.start({
      store: "sqlite",
      httpAuthMode: "bearer",
      adminTokenFile: admin,
      readonlyTokenFile: reader,
    });
    onTestFinished(() => daemon.remove());
    const codes = async (token: string) =>
      (
        await new Client(() => daemon.baseUrl, { authorization: `Bearer ${token}` }).call("status")
      ).health.warnings.flatMap(({ code }) => (code.startsWith("control_plane") ? [code] : []));

    expect(await codes("first")).toEqual(["control_plane_token_file_unreadable"]);
    await writeFile(reader, "second\n");
    expect(await codes("second")).toEqual([]);
    await writeFile(admin, "\n");
    expect(await codes("second")).toEqual([
      "control_plane_no_admin_token",
      "control_plane_token_file_unreadable",
    ]);
  });

  test("a daemon that asks nobody for a token makes none: whoever called could be anybody", async () => {
    const daemon = await ServedDaemon.start({ store: "sqlite", httpAuthMode: "auto" });
    onTestFinished(() => daemon.remove());
    const answer = await fetch(`${daemon.baseUrl}/v1/runtime/tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "x", verbs: ["admin"], resources: ["*"] }),
    });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ domain: "tokens", code: "token_needs_auth" });
  });
});
