import { PassThrough, Writable } from "node:stream";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { StdioTransport } from "./stdio-transport.ts";

const PING = { jsonrpc: "2.0", id: 1, method: "ping" } as const;
const REQUEST = { command: "server", args: [], env: {}, cwd: "/" };

/** A server process whose end and streams are the test's own. */
function serverProcess(stdin: Writable = new PassThrough()) {
  const { promise: exited, resolve: exit } = Promise.withResolvers<string>();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const running = { pid: 1, stdin, stdout, stderr, exited, signalGroup: () => false };
  const close = () => {
    for (const stream of [stdout, stderr]) stream.end();
  };
  return { running, exit, close, stdout, stderr };
}

function broken(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(new Error("write EPIPE")) });
}

test("03-R67 who reads no more is told of by how it ended, not by the pipe", async () => {
  const clock = new SimulatedClock();
  const { running, exit, close, stderr } = serverProcess(broken());
  const transport = new StdioTransport({ clock, start: () => running }, REQUEST);
  await transport.start();
  const sent = transport.send(PING);
  stderr.write("no key given\n");
  exit("exited with code 3");
  close();
  await expect(sent).rejects.toThrow("the server's process exited with code 3: no key given");
});

test("who reads no more and lives on is told of by the pipe, after a moment", async () => {
  const clock = new SimulatedClock();
  const { running } = serverProcess(broken());
  const transport = new StdioTransport({ clock, start: () => running }, REQUEST);
  await transport.start();
  const sent = expect(transport.send(PING)).rejects.toThrow("write EPIPE");
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(1_000);
  await sent;
});

test("what a server says before it ends is heard, also when its end is known first", async () => {
  const clock = new SimulatedClock();
  const { running, exit, close, stdout } = serverProcess();
  const transport = new StdioTransport({ clock, start: () => running }, REQUEST);
  const heard: unknown[] = [];
  const closed = new Promise<void>((resolve) => {
    transport.onmessage = (message) => heard.push(message);
    transport.onclose = () => {
      heard.push("closed");
      resolve();
    };
  });
  await transport.start();
  exit("exited with code 0");
  await new Promise((resolve) => setImmediate(resolve));
  stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} })}\n`);
  close();
  await closed;
  expect(heard).toEqual([{ jsonrpc: "2.0", id: 1, result: {} }, "closed"]);
});
