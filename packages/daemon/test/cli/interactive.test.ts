import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { type DemoPlace, makePlace } from "../../src/surface/cli/demo/workspace.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";

const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));
let daemon: DaemonProcess;
let place: DemoPlace;

beforeAll(async () => {
  place = await makePlace();
  daemon = await DaemonProcess.start(place, processContext().clock);
});
afterAll(async () => {
  await daemon.stop();
  await rm(place.directory, { recursive: true, force: true });
});

function kheish(...args: string[]) {
  return spawn(process.execPath, [BIN, "--base-url", daemon.baseUrl, ...args], {
    stdio: ["pipe", "ignore", "inherit"],
  });
}

async function exitCode(...args: string[]): Promise<unknown> {
  const [code] = await once(kheish(...args), "exit");
  return code;
}

test("03 interactive answering: the command ends with its answer, though nobody closed its input", async () => {
  expect(await exitCode("sessions", "create", "asked")).toBe(0);
  const tour = '{"simulate":"tour","delay_ms":0}';
  expect(await exitCode("sessions", "input", "asked", tour, "--wait")).toBe(9);
  const answering = kheish("questions", "answer", "question-request-sim-3-0", "--interactive");
  answering.stdin.write("2\n");
  const [code] = await once(answering, "exit");
  expect(code).toBe(0);
});
