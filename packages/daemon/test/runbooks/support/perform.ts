import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import type { Machine } from "./machine.ts";
import { runbook, type Step, stepsOf } from "./runbook.ts";

/**
 * A page as what an operator does, one after the other: files are written where their blocks say, commands are run, a
 * daemon that a page starts by hand stays until the page ends it. Answers how many acts there were.
 */
export async function performPage(machine: Machine, page: string, blocks = runbook(page)): Promise<number> {
  let served: ChildProcess | undefined;
  let acts = 0;
  for (const { info, text } of blocks) {
    const [kind = "", place] = info.split(" ");
    if (kind !== "sh" && place !== undefined) {
      await machine.write(place, text);
      acts += 1;
      continue;
    }
    if (kind !== "sh" || (place !== undefined && place !== "serve" && place !== "stop")) continue;
    if (place === "stop") {
      served?.kill("SIGTERM");
      if (served !== undefined) await once(served, "exit");
    }
    for (const step of stepsOf(text)) {
      acts += 1;
      if (place !== "serve") await perform(machine, step);
      else {
        const url = machine.here("http://127.0.0.1:4100/readyz");
        served = await machine.start(step.command, async () => (await fetch(url)).ok);
      }
    }
  }
  return acts;
}

/** A page whose commands write nothing but what it shows. Answers how many there were. */
export async function performExactly(machine: Machine, page: string): Promise<number> {
  const steps = runbook(page).flatMap(({ info, text }) => (info === "sh" ? stepsOf(text) : []));
  for (const { command, expected = { stdout: "", exitCode: 0 } } of steps) {
    const { stdout, stderr, exitCode } = await machine.run({ command });
    expect({ command, stdout: stdout.trim(), stderr, exitCode }).toEqual({
      command,
      ...expected,
      stderr: "",
    });
  }
  return steps.length;
}

async function perform(machine: Machine, { command, expected }: Step): Promise<void> {
  // Each command has a shell of its own; what it would leave in the operator's stays.
  const [, name, value] = /^export (\w+)=(\S+)$/.exec(command) ?? [];
  if (name !== undefined && value !== undefined) {
    machine.env[name] = machine.here(value);
    return;
  }
  const [, mask] = /^umask (\d+)$/.exec(command) ?? [];
  if (mask !== undefined) {
    machine.umask = mask;
    return;
  }
  const { stdout = "", exitCode = 0 } = expected ?? {};
  const ran = await machine.run({ command });
  const complaint = exitCode === 0 ? "" : expect.any(String);
  expect({ command, exitCode: ran.exitCode, stderr: ran.stderr }).toEqual({
    command,
    exitCode,
    stderr: complaint,
  });
  if (stdout !== "") expect(ran.stdout.trimEnd(), command).toBe(machine.here(stdout));
}
