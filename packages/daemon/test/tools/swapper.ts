import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

/**
 * Entry of a thread that exchanges what stands under a name, without a pause, until it is told to stop: what was there,
 * then a link, a directory, or nothing but a file of its own.
 */
const { path, stand, target, shared } = workerData as {
  path: string;
  /** What takes the place of what is there. */
  stand: "link" | "directory" | "file";
  /** Where the link leads. */
  target: string;
  /** 0: told to stop, 1: how often it exchanged. */
  shared: SharedArrayBuffer;
};
const state = new Int32Array(shared);
const aside = `${path}.aside`;

/** A tool may have put something in the place, or into the directory: it goes. */
function unlessTaken(act: () => void): void {
  for (let taken = true; taken; ) {
    try {
      act();
      taken = false;
    } catch {
      clear();
    }
  }
}

function clear(): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // A tool filled it while it was emptied: whoever needs the place clears it again.
  }
}

parentPort?.postMessage("begun");
while (Atomics.load(state, 0) === 0) {
  renameSync(path, aside);
  unlessTaken(() => {
    if (stand === "link") symlinkSync(target, path);
    else if (stand === "directory") mkdirSync(path);
    else writeFileSync(path, "somebody else's a", { flag: "wx" });
  });
  clear();
  unlessTaken(() => renameSync(aside, path));
  Atomics.add(state, 1, 1);
}
