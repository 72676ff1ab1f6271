import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { has, isHealthy, Machine } from "../runbooks/support/machine.ts";
import { runbook, stepsOf } from "../runbooks/support/runbook.ts";
import { AuthorizationServer } from "../support/authorization-server.ts";

const server = new AuthorizationServer();
let machine: Machine;
beforeAll(async () => {
  await server.start();
  const here = `--url ${server.resource} --allow-http-for-loopback`;
  machine = await Machine.create([
    ["--url https://mcp.example.com/mcp", here],
    ["oauth login tracker\n", "oauth login tracker --allow-http-for-loopback\n"],
    ["--file ", "--file $HOME/"],
  ]);
  machine.env.KHEISH_AUTH_STORE_MASTER_KEY = "0123456789abcdef0123456789abcdef";
});
afterAll(async () => {
  await machine.remove();
  await server.stop();
});

/** A browser that goes where it is sent, and keeps cookies. */
const BROWSER = '#!/bin/sh\nexec curl -sL -o /dev/null -c "$HOME/cookies" -b "$HOME/cookies" "$1"\n';

test.skipIf(!has("curl") || process.platform !== "linux")(
  "docs/accounts.md: each of its commands does what the page says",
  async () => {
    const browser = join(machine.root, "bin", "xdg-open");
    await writeFile(browser, BROWSER);
    await chmod(browser, 0o755);
    const tokens = await server.logIn();
    const { access_token, refresh_token } = tokens;
    await writeFile(
      join(machine.root, "codex-auth.json"),
      JSON.stringify({ auth_mode: "chatgpt", tokens: { access_token, refresh_token, account_id: "acct-1" } }),
    );
    await writeFile(
      join(machine.root, "claude-credentials.json"),
      JSON.stringify({
        claudeAiOauth: {
          accessToken: access_token,
          refreshToken: refresh_token,
          expiresAt: Date.now() + 3_600_000,
          scopes: ["user:inference"],
        },
      }),
    );
    const state = "--state-root /var/lib/kheish/state --workspace-root /srv/kheish";
    await machine.start(`kheish serve --bind 127.0.0.1:4000 ${state}`, () => isHealthy(machine));
    const steps = runbook("../accounts.md").flatMap(({ info, text }) => (info === "sh" ? stepsOf(text) : []));
    expect(steps.length).toBeGreaterThan(8);
    for (const step of steps) {
      const ran = await machine.run({ command: `${step.command}\n` });
      expect({
        command: step.command,
        code: ran.exitCode,
        stderr: ran.exitCode === 0 ? "" : ran.stderr,
      }).toEqual({
        command: step.command,
        code: 0,
        stderr: "",
      });
      for (const secret of [access_token, refresh_token])
        expect(ran.stdout + ran.stderr).not.toContain(secret);
    }
  },
);
