import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Kheish } from "../src/index.ts";
import { type LiveDaemon, liveDaemon, runNode } from "./support/daemon.ts";

const example = (name: string) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

let live: LiveDaemon;
let env: Record<string, string>;
beforeAll(async () => {
  live = await liveDaemon();
  env = { KHEISH_BASE_URL: live.daemon.baseUrl };
});
afterAll(() => live.stop());

test("respond.ts prints the answer", async () => {
  const ran = await runNode([example("respond.ts"), "hello"], { env });
  expect(ran).toEqual({ stdout: "hello\n", stderr: "", exitCode: 0 });
});

test("human-in-the-loop.ts asks, is allowed, and the file is there", async () => {
  const ran = await runNode([example("human-in-the-loop.ts")], { env, input: "short\ny\ny\n" });
  expect(ran.stdout).toMatch(/completed: /);
  expect(ran).toMatchObject({ stderr: "", exitCode: 0 });
  expect(await readFile(join(live.workspace, "kheish-tour.md"), "utf8")).not.toBe("");
});

test("watch.ts goes on where it was, after it was killed and after the daemon was", async () => {
  const placeFile = join(live.directory, "place");
  const kheish = new Kheish({ baseUrl: live.daemon.baseUrl });
  const seen: string[] = [];
  const submit = async (prompt: string) => {
    const run = await kheish.responses.create({ session: "watched", prompt });
    await run.wait();
  };
  /** Reads its lines until one tells of this output; then it is killed. `connected`: the daemon has taken its stream. */
  const watchUntil = (output: string) => {
    const child = spawn(process.execPath, [example("watch.ts"), placeFile], {
      env: { ...process.env, ...env },
    });
    const connected = once(createInterface(child.stderr), "line");
    const closed = once(child, "close");
    const told = (async () => {
      for await (const line of createInterface(child.stdout)) {
        seen.push(line);
        if (line.includes(JSON.stringify(output))) break;
      }
      child.kill("SIGKILL");
      await closed;
    })();
    return { connected, told };
  };

  await submit("first");
  await watchUntil("first").told;
  await submit("second");
  const watching = watchUntil("third");
  // A daemon that was never there is not waited for as long.
  await watching.connected;
  await live.daemon.kill();
  await live.daemon.restart();
  await submit("third");
  await watching.told;
  const outputs = seen.filter((line) => /"(first|second|third)"/.test(line));
  expect(new Set(outputs.map((line) => line.split(" ").at(-1)))).toEqual(
    new Set(['"first"', '"second"', '"third"']),
  );
  // It was killed between an event and writing down its place, at worst: that one event comes twice.
  expect(outputs.length).toBeLessThanOrEqual(4);
});
