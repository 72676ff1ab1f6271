import { type Clock, sleep } from "../../../kernel/clock.ts";
import type { Shell, StartShell } from "../../../tools/bash/shell.ts";
import { type Attempt, failed, type HookCaller, MAX_ANSWER_BYTES, readAnswer } from "./executor.ts";

/** Between TERM and KILL, and how long outputs may stay open behind a shell that has ended (03-R48). */
const GRACE_MS = 100;
const BLOCKED = 2;

export interface CommandOptions {
  start: StartShell;
  /** All that the child is given of the daemon's environment (03-A2). */
  childEnv: Record<string, string>;
  cwd: string;
  clock: Clock;
}

/** A login shell that reads the input as JSON and writes an outcome (03-R48). */
export function commandCaller(options: CommandOptions): HookCaller<"command"> {
  return async ({ executor, input, signal }): Promise<Attempt> => {
    const shell = started(options, executor, JSON.stringify(input));
    if (shell === undefined) return failed("internal", "its shell could not be started");
    const over = new AbortController();
    const outputs = Promise.all([limited(shell.stdout, over), limited(shell.stderr, over)]);
    outputs.catch(() => undefined);
    const exit = await exitOf(shell, options.clock, AbortSignal.any([signal, over.signal]));
    await Promise.race([outputs, sleep(options.clock, GRACE_MS)]);
    shell.closePipes();
    if (exit === undefined) return failed("internal", "its shell could not be started");
    const [stdout, stderr] = await outputs;
    if (over.signal.aborted || stdout === undefined || stderr === undefined) {
      return failed("response_too_large", `it wrote more than ${MAX_ANSWER_BYTES} bytes`);
    }
    if (signal.aborted) return failed("interrupted", "it was stopped");
    if (exit.code === 0) return { kind: "text", text: stdout };
    if (exit.code === BLOCKED && stdout.trim() === "") {
      const reason = stderr.trim();
      return {
        kind: "value",
        value: { decision: "block", ...(reason === "" ? {} : { stop_reason: reason }) },
      };
    }
    const how = exit.code === null ? `ended by ${exit.signal}` : `exited with ${exit.code}`;
    return failed("exit_status", `the command ${how}`, { retryable: true });
  };
}

function started(
  { start, childEnv: env, cwd }: CommandOptions,
  { command, shell }: { command: string; shell?: string | undefined },
  stdin: string,
): Shell | undefined {
  try {
    return start({ command, cwd, env, stdin, ...(shell === undefined ? {} : { shell }) });
  } catch {
    return undefined;
  }
}

async function limited(
  stream: AsyncIterable<Uint8Array>,
  over: AbortController,
): Promise<string | undefined> {
  const text = await readAnswer(stream);
  if (text === undefined) over.abort();
  return text;
}

/** Ends with everything of its group gone: by itself, or told to by `stop`. Undefined: it never began. */
async function exitOf(shell: Shell, clock: Clock, stop: AbortSignal) {
  const exited = shell.exited.catch(() => undefined);
  const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
  const onStop = () => resolve(undefined);
  stop.addEventListener("abort", onStop, { once: true });
  if (stop.aborted) onStop();
  await Promise.race([exited, stopped]);
  stop.removeEventListener("abort", onStop);
  if (shell.signalGroup("SIGTERM")) {
    await sleep(clock, GRACE_MS);
    shell.signalGroup("SIGKILL");
  }
  return exited;
}
