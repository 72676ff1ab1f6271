import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { isatty } from "node:tty";
import type { CliClock, CliContext, Host, Terminal } from "./context.ts";

/** The context of a real process. */
export function processContext(): CliContext {
  endQuietlyWhenReaderLeaves();
  return {
    env: process.env,
    workingDirectory: process.cwd(),
    terminal: processTerminal,
    clock: processClock,
    host: processHost,
  };
}

let outlivesReaders = false;

/**
 * `kheish ... | head` is no failure. What standard error cannot take (its reader has left, its terminal or the room on its
 * disk is gone) could be told nowhere else either.
 */
function endQuietlyWhenReaderLeaves(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (outlivesReaders) return;
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;

const processTerminal: Terminal = {
  get columns() {
    return process.stdout.isTTY ? process.stdout.columns || FALLBACK_COLUMNS : undefined;
  },
  get rows() {
    return process.stdout.isTTY ? process.stdout.rows || FALLBACK_ROWS : undefined;
  },
  out: (output) => void process.stdout.write(output),
  err: (output) => void process.stderr.write(output),
  readInput: () => text(process.stdin),
  inputLines: standardInputLines,
  streams: () => ({ input: process.stdin, output: process.stdout }),
};

/** The reader is closed with its last line: an open one would keep the process alive after the command is done. */
async function* standardInputLines(): AsyncGenerator<string> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input: process.stdin });
  try {
    yield* lines;
  } finally {
    lines.close();
    process.stdin.unref();
  }
}

const processClock: CliClock = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, { ...(signal && { signal }) }).catch(() => undefined),
};

const processHost: Host = {
  onSignal(signal, handler) {
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  },
  hasTerminal: () => [0, 1, 2].some((descriptor) => isatty(descriptor)),
  outliveReaders() {
    outlivesReaders = true;
  },
  exitNow: (code) => process.exit(code),
  openUrl(url, onFailure = () => undefined) {
    const [program, ...args] = browserCommand(process.platform, url);
    const browser = spawn(program, args, { stdio: "ignore", detached: true });
    browser.on("error", onFailure);
    browser.unref();
  },
  loadDaemon: () => import("../../main.ts"),
  loadDemo: () => import("./demo.ts"),
  loadOffline: () => import("../../offline.ts"),
  loadArchives: () => import("../../archives.ts"),
};

/** No shell reads the address: a server that one logs in to has a say in it. */
export function browserCommand(platform: NodeJS.Platform, url: string): [string, ...string[]] {
  if (platform === "darwin") return ["open", url];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return ["xdg-open", url];
}
