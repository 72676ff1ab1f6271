import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { type Clock, sleep } from "../../kernel/clock.ts";
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
    started.exited.then(
      (how) => this.#end(how),
      (error: NodeJS.ErrnoException) => this.#end(`could not start (${error.code ?? error.message})`),
    );
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#process === undefined || this.#ended !== undefined) throw new Error(this.end ?? "not started");
    this.#process.stdin.write(`${JSON.stringify(message)}\n`, (error) => {
      if (error) reject(error);
      else resolve();
    });
    await promise;
  }

  async close(): Promise<void> {
    const running = this.#process;
    if (running === undefined || this.#isClosed) return;
    this.#isClosed = true;
    const { clock } = this.#deps;
    const gone = running.exited.then(
      () => undefined,
      () => undefined,
    );
    running.stdin.end();
    await Promise.race([gone, sleep(clock, END_GRACE_MS)]);
    if (running.signalGroup("SIGTERM")) await Promise.race([gone, sleep(clock, END_GRACE_MS)]);
    running.signalGroup("SIGKILL");
    this.#end(STOPPED);
  }

  #end(how: string): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    // What it started and left behind has nobody to talk to.
    this.#process?.signalGroup("SIGKILL");
    this.#pieces = [];
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
    if (this.#pendingBytes <= MAX_LINE_BYTES) return;
    this.#stderr = `a message of more than ${MAX_LINE_BYTES} bytes`;
    this.#process?.signalGroup("SIGKILL");
  }

  /** Servers that print what is no message are common; it is left out. */
  #line(line: Buffer): void {
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
