import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ServedDaemon } from "../support/served.ts";
import { accessSuite } from "./suite.ts";
import { GuardedDaemon } from "./support.ts";

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
