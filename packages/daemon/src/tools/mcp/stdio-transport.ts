import type { Readable } from "node:stream";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { type Clock, sleep } from "../../kernel/clock.ts";
import { MAX_NESTING, Nesting } from "./nesting.ts";
import type { ServerProcess, ServerProcessRequest, StartServerProcess } from "./process.ts";

/** A line beyond this is no message of anybody who means well. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** What is kept of a server's standard error, to say why it ended. */
const KEPT_STDERR_CHARS = 2_000;
/** After its standard input has closed, and again after SIGTERM. */
const END_GRACE_MS = 300;

const STOPPED = "was stopped";

export interface StdioTransportDeps {
  clock: Clock;
  start: StartServerProcess;
}

/** MCP over the standard streams of a process of our own: one JSON message a line. */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #deps: StdioTransportDeps;
  readonly #request: ServerProcessRequest;
  #process: ServerProcess | undefined;
  #pieces: Buffer[] = [];
  #pendingBytes = 0;
  #stderr = "";
  #ended: string | undefined;
  readonly #over = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(deps: StdioTransportDeps, request: ServerProcessRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  /** How it ended and what it said last on its standard error; undefined while it runs. */
  get end(): string | undefined {
    if (this.#ended === undefined) return undefined;
    const said = this.#stderr.trim().split("\n").slice(-3).join(" | ");
    return `the server's process ${this.#ended}${said === "" ? "" : `: ${said}`}`;
  }

  /** It ended because we asked it to. */
  get wasStopped(): boolean {
    return this.#ended === STOPPED;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(): Promise<void> {
    const started = this.#deps.start(this.#request);
    this.#process = started;
    started.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    started.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = `${this.#stderr}${chunk.toString("utf8")}`.slice(-KEPT_STDERR_CHARS);
    });
    // What cannot be written is noticed by the end of the process.
    for (const stream of [started.stdin, started.stdout, started.stderr]) stream.on("error", () => undefined);
    const read = Promise.all([started.stdout, started.stderr].map(ended));
    started.exited.then(
      async (how) => {
        // What it said last is still in the pipes; what it left behind may hold them open.
        await Promise.race([read, sleep(this.#deps.clock, END_GRACE_MS)]);
        this.#end(how);
      },
      (error: NodeJS.ErrnoException) => this.#end(`could not start (${error.code ?? error.message})`),
    );
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const running = this.#process;
    if (running === undefined || this.#ended !== undefined) throw new Error(this.end ?? "not started");
    const failure = await new Promise<Error | null | undefined>((resolve) => {
      running.stdin.write(`${JSON.stringify(message)}\n`, resolve);
    });
    if (!failure) return;
    // Who reads no more is about to end, and how it ends says more than the pipe does.
    await Promise.race([this.#over.promise, sleep(this.#deps.clock, END_GRACE_MS)]);
    throw new Error(this.end ?? failure.message);
  }

  async close(): Promise<void> {
    const running = this.#process;
    if (running === undefined || this.#isClosed) return;
    this.#isClosed = true;
    const { clock } = this.#deps;
    running.stdin.end();
    await Promise.race([gone(running), sleep(clock, END_GRACE_MS)]);
    if (running.signalGroup("SIGTERM")) await Promise.race([gone(running), sleep(clock, END_GRACE_MS)]);
    running.signalGroup("SIGKILL");
    this.#end(STOPPED);
  }

  #end(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    // What it started and left behind has nobody to talk to.
    this.#process?.signalGroup("SIGKILL");
    this.#pieces = [];
    this.#over.resolve();
    this.onclose?.();
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#line(Buffer.concat([...this.#pieces, chunk.subarray(from, at)]));
      this.#pieces = [];
      this.#pendingBytes = 0;
      from = at + 1;
    }
    if (from === chunk.length) return;
    this.#pieces.push(chunk.subarray(from));
    this.#pendingBytes += chunk.length - from;
    if (this.#pendingBytes > MAX_LINE_BYTES) this.#expel(`a message of more than ${MAX_LINE_BYTES} bytes`);
  }

  #expel(why: string): void {
    this.#stderr = why;
    this.#process?.signalGroup("SIGKILL");
  }

  /** Servers that print what is no message are common; it is left out. */
  #line(line: Buffer): void {
    if (!new Nesting().take(line)) {
      this.#expel(`a message that nests deeper than ${MAX_NESTING} levels`);
      return;
    }
    const text = line.toString("utf8").trim();
    if (text === "") return;
    let message: JSONRPCMessage;
    try {
      message = JSON.parse(text) as JSONRPCMessage;
    } catch {
      this.onerror?.(new Error("the server printed a line that is no JSON"));
      return;
    }
    this.onmessage?.(message);
  }
}

/** When nothing more will come. */
function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => stream.once("close", resolve));
}

/** When it has ended, or it is known that it never began. */
function gone({ exited }: ServerProcess): Promise<void> {
  return exited.then(
    () => undefined,
    () => undefined,
  );
}
