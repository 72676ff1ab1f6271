import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { steadyPort } from "../../src/surface/cli/demo/steady-port.ts";
import { BIN, later, place, post, scratch } from "../support/operator.ts";

/** A daemon whose output goes to this test, until nobody reads it any more. */
async function readDaemon(command: "serve" | "up"): Promise<{ child: ChildProcess; baseUrl: string }> {
  const { stateRoot, workspace } = await place(await scratch());
  const bind = `127.0.0.1:${await steadyPort()}`;
  const places = ["--bind", bind, "--state-root", stateRoot, "--workspace-root", workspace];
  const child = spawn(process.execPath, [BIN, command, ...places, "--log-format", "json"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: stateRoot },
  });
  later(async () => child.kill("SIGKILL"));
  for await (const chunk of child.stderr ?? []) if (String(chunk).includes("kheish is ready")) break;
  child.stderr?.destroy();
  child.stdout?.destroy();
  return { child, baseUrl: `http://${bind}` };
}

test.each(["serve", "up"] as const)(
  "a daemon goes on when nobody reads what '%s' tells any more, and when its parent's terminal is gone",
  async (command) => {
    const { child, baseUrl } = await readDaemon(command);
    for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE"] as const) {
      child.kill(signal);
      // Each request is a line of the log.
      expect(await post({ baseUrl }, "/v1/sessions", {})).toHaveProperty("session_id");
    }
    expect(child.exitCode).toBe(null);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  },
);
