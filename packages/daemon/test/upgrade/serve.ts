import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Place } from "./place.ts";

const BIN = fileURLToPath(new URL("../../bin/kheish.js", import.meta.url));

/** Starts a daemon of the released code on a place that it must refuse: what it says, and how it ends. */
export async function serveOn(place: Place): Promise<{ code: number | null; said: string }> {
  const flags = ["--bind", "127.0.0.1:0", "--state-root", place.stateRoot, "--store", place.storeFlag];
  const daemon = spawn(process.execPath, [BIN, "serve", ...flags, "--workspace-root", place.stateRoot], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: place.stateRoot },
  });
  let said = "";
  for (const output of [daemon.stdout, daemon.stderr])
    output.on("data", (chunk) => {
      said += String(chunk);
      // One that opens what it should refuse would stay for ever.
      if (said.includes("kheish is ready")) daemon.kill("SIGKILL");
    });
  const [code] = (await once(daemon, "close")) as [number | null];
  return { code, said };
}
