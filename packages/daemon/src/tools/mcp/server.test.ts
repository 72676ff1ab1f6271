import { McpServerEntry } from "@kheish/contract";
import { expect, test } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import { type Connection, UpstreamFailure, type UpstreamTool } from "./connection-port.ts";
import { HeldCalls } from "./held-calls.ts";
import { McpServer } from "./server.ts";

const SLOT = "mcp.tracker.KEY";

/** A question of the daemon that the test answers when it likes. */
interface Asked<T> {
  signal: AbortSignal;
  answer: (value: T) => void;
  fail: (error: Error) => void;
}

/** A queue of questions: who asks next, and how many have asked. */
class Questions<T> {
  readonly all: Asked<T>[] = [];
  #coming: ((asked: Asked<T>) => void) | undefined;

  /** Ignores its signal, as somebody does who is too late to be stopped. */
  ask(signal: AbortSignal): Promise<T> {
    return new Promise((answer, fail) => {
      const asked = { signal, answer, fail };
      this.all.push(asked);
      this.#coming?.(asked);
    });
  }

  /** The question after the `n`th. */
  async nth(n: number): Promise<Asked<T>> {
    const present = this.all[n];
    if (present !== undefined) return present;
    return new Promise((resolve) => {
      this.#coming = (asked) => this.all.length > n && resolve(asked);
    });
  }
}

/** A connection that the test holds in its hand. */
class HandHeld implements Connection {
  readonly protocolVersion = "2026-07-28";
  readonly serverVersion = undefined;
  readonly instructions = undefined;
  readonly listings = new Questions<UpstreamTool[]>();
  readonly #closed = Promise.withResolvers<string>();
  readonly closed = this.#closed.promise;
  isClosed = false;

  listTools(signal: AbortSignal): Promise<UpstreamTool[]> {
    return this.listings.ask(signal);
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#closed.resolve("it was closed");
    return Promise.resolve();
  }

  call = unasked;
  list = unasked;
  read = unasked;
  prompts = unasked;
  prompt = unasked;
}

function unasked(): never {
  throw new Error("nobody asks for this here");
}

const tool = (name: string): UpstreamTool => ({ name, inputSchema: { type: "object" } });
const settled = () => new Promise((resolve) => setImmediate(resolve));

function world(entry: object = { bearer_token_secret_ref: SLOT }) {
  const clock = new SimulatedClock();
  const attempts = new Questions<Connection>();
  const announce: (() => void)[] = [];
  /** The ledger takes nothing of this phase, from now on. */
  const ledger: { refuses?: string } = {};
  const server = new McpServer(
    {
      clock,
      random: { hex: () => "0", unit: () => 0.5 },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      credentials: {
        secret: unasked,
        accessTokenFor: unasked,
        refusal: async () => undefined,
        onChange: unasked,
      },
      held: new HeldCalls(clock),
      connect: (_spec, signal, onToolsChanged) => {
        announce.push(onToolsChanged);
        return attempts.ask(signal);
      },
      redact: (text) => text,
      record: async ({ phase }) => {
        if (phase === ledger.refuses) throw new Error("the ledger cannot vouch for it");
      },
      onTools: () => undefined,
    },
    {
      name: "tracker",
      entry: McpServerEntry.parse({ url: "https://tracker.example/mcp", ...entry }),
      source: "runtime_api",
      profiles: [],
    },
  );
  return {
    clock,
    server,
    attempts,
    ledger,
    /** The `n`th connection says that its tools are others now. */
    toolsChanged: (n: number) => announce[n]?.(),
    names: () => server.tools.map(({ name }) => name),
    /** Answers the `n`th attempt and, unless told otherwise, what tools there are. */
    async connects(n: number, ...tools: string[]): Promise<HandHeld> {
      const connection = new HandHeld();
      (await attempts.nth(n)).answer(connection);
      if (tools.length > 0) (await connection.listings.nth(0)).answer(tools.map(tool));
      await settled();
      return connection;
    },
  };
}

/** Connected, with one tool. */
async function connected() {
  const here = world();
  void here.server.start();
  const connection = await here.connects(0, "search");
  expect(here.names()).toEqual(["mcp__tracker__search"]);
  return { ...here, connection };
}

test("03-R61 a list of tools that was on its way when the credential changed brings none back", async () => {
  const { server, connection, toolsChanged, names } = await connected();
  toolsChanged(0);
  const listing = await connection.listings.nth(1);
  await server.credentialChanged(SLOT, false);
  expect({ names: names(), connected: server.isConnected, closed: connection.isClosed }).toEqual({
    names: [],
    connected: false,
    closed: true,
  });
  listing.answer([tool("search"), tool("delete")]);
  await settled();
  expect(names()).toEqual([]);
  expect(server.view()).toMatchObject({ connected: false, error: `the credential '${SLOT}' has changed` });
});

test("03-R61 what was opened with the former secret is closed and never used, and is opened anew once", async () => {
  const { server, attempts, connects, names, clock } = world();
  const first = server.start();
  await attempts.nth(0);
  const changed = server.credentialChanged(SLOT, true);
  expect(attempts.all[0]?.signal.aborted).toBe(true);
  const old = await connects(0);
  await Promise.all([first, changed]);
  expect({ closed: old.isClosed, asked: old.listings.all.length, connected: server.isConnected }).toEqual({
    closed: true,
    asked: 0,
    connected: false,
  });

  const anew = await connects(1, "search");
  expect({ closed: anew.isClosed, names: names() }).toEqual({
    closed: false,
    names: ["mcp__tracker__search"],
  });
  await clock.advance(600_000);
  expect(attempts.all).toHaveLength(2);
  expect(server.view()).toMatchObject({
    connected: true,
    health: { state: "connected", failed_attempts: 0 },
  });
});

test("03-R61 the same when the tools of the new connection were being listed", async () => {
  const { server, connects, names } = world();
  const first = server.start();
  const old = await connects(0);
  const listing = await old.listings.nth(0);
  const changed = server.credentialChanged(SLOT, true);
  expect(listing.signal.aborted).toBe(true);
  listing.answer([tool("search")]);
  await Promise.all([first, changed]);
  expect({ closed: old.isClosed, names: names() }).toEqual({ closed: true, names: [] });
  await connects(1, "search");
  expect(names()).toEqual(["mcp__tracker__search"]);
});

test("03-R61 a secret that was revoked during an attempt is waited for: nothing is tried until it is back", async () => {
  const { server, attempts, connects, clock, names } = world();
  const first = server.start();
  await attempts.nth(0);
  const revoked = server.credentialChanged(SLOT, false);
  const old = await connects(0);
  await Promise.all([first, revoked]);
  await clock.advance(600_000);
  expect({ attempts: attempts.all.length, closed: old.isClosed }).toEqual({ attempts: 1, closed: true });
  expect(server.view()).toMatchObject({ connected: false, error: `the credential '${SLOT}' has changed` });
  await server.credentialChanged(SLOT, true);
  await connects(1, "search");
  expect({ attempts: attempts.all.length, names: names() }).toEqual({
    attempts: 2,
    names: ["mcp__tracker__search"],
  });
});

test("03-R62 a fresh token of the same account changes nothing", async () => {
  const account = "mcp.oauth.tracker";
  const here = world({ oauth_slot_ref: account });
  const ready = here.server.ready("operator", new AbortController().signal);
  const connection = await here.connects(0, "search");
  expect(await ready).toBeUndefined();
  await here.server.credentialChanged(account, true);
  expect({ closed: connection.isClosed, names: here.names() }).toEqual({
    closed: false,
    names: ["mcp__tracker__search"],
  });
  await here.server.credentialChanged(account, false);
  expect({ closed: connection.isClosed, names: here.names() }).toEqual({ closed: true, names: [] });
  expect(here.server.isAwaitingAuthorization).toBe(true);
});

test("03-R67 a server that is removed in the middle of an attempt leaves nothing open", async () => {
  const { server, attempts, connects, clock } = world();
  const first = server.start();
  await attempts.nth(0);
  await server.stop("it was removed");
  const opened = await connects(0);
  await first;
  expect({ closed: opened.isClosed, tools: server.tools }).toEqual({ closed: true, tools: [] });
  await clock.advance(600_000);
  expect(attempts.all).toHaveLength(1);
  expect(server.view()).toMatchObject({
    connected: false,
    error: "it was removed",
    health: { state: "stopped" },
  });
});

test("03-R60 a connection that breaks while its tools are listed is closed, and another one is tried", async () => {
  const { server, attempts, connects, clock, names } = world();
  const first = server.start();
  const broken = await connects(0);
  (await broken.listings.nth(0)).fail(new UpstreamFailure("the stream broke", true));
  await first;
  expect({ closed: broken.isClosed, connected: server.isConnected }).toEqual({
    closed: true,
    connected: false,
  });
  expect(server.view()).toMatchObject({
    error: "the stream broke",
    health: { state: "waiting_to_reconnect", failed_attempts: 1 },
  });
  await clock.advance(2_000);
  await connects(1, "search");
  expect({ attempts: attempts.all.length, names: names() }).toEqual({
    attempts: 2,
    names: ["mcp__tracker__search"],
  });
});

test("03-R60 one whose tools cannot be listed for now stays, with none, and says why", async () => {
  const { server, connects } = world();
  const first = server.start();
  const connection = await connects(0);
  (await connection.listings.nth(0)).fail(new UpstreamFailure("not today"));
  await first;
  expect({ closed: connection.isClosed, ...server.view() }).toMatchObject({
    closed: false,
    connected: true,
    tools: [],
    error: "its tools cannot be listed: not today",
  });
});

test("03-R66 a connection that cannot be put on record is closed", async () => {
  const { server, ledger, connects } = world();
  const first = server.start();
  ledger.refuses = "response";
  const connection = await connects(0);
  await first;
  expect({ closed: connection.isClosed, connected: server.isConnected }).toEqual({
    closed: true,
    connected: false,
  });
});

test("03, MCP client: of two lists of tools the one that was asked for last counts", async () => {
  const { connection, toolsChanged, names } = await connected();
  toolsChanged(0);
  toolsChanged(0);
  const [older, newer] = [await connection.listings.nth(1), await connection.listings.nth(2)];
  newer.answer([tool("newest")]);
  await settled();
  older.answer([tool("older")]);
  await settled();
  expect(names()).toEqual(["mcp__tracker__newest"]);
});

test("03, MCP client: tools that change while they are listed for the first time are listed again", async () => {
  const { server, connects, toolsChanged, names } = world();
  const first = server.start();
  const connection = await connects(0);
  const listing = await connection.listings.nth(0);
  toolsChanged(0);
  listing.answer([tool("older")]);
  await first;
  (await connection.listings.nth(1)).answer([tool("newest")]);
  await settled();
  expect(names()).toEqual(["mcp__tracker__newest"]);
});
