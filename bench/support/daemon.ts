import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonProcess } from "../../packages/daemon/src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../packages/daemon/src/surface/cli/process-context.ts";

/** A daemon in a process of its own, on a fresh state root; the load comes from this one. */
export async function startDaemon(): Promise<{ baseUrl: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "kheish-bench-"));
  const workspace = join(directory, "workspace");
  await mkdir(workspace);
  const place = { directory, workspace, stateRoot: join(directory, "state"), log: join(directory, "log") };
  const flags = ["--permission-mode", "bypass-permissions", "--log-level", "error"];
  const daemon = await DaemonProcess.start(place, processContext().clock, flags);
  return {
    baseUrl: daemon.baseUrl,
    async stop() {
      await daemon.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function post(url: string, body: object): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`);
}
