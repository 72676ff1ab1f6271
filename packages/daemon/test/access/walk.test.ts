import { type Endpoint, endpoints, verbOf } from "@kheish/contract";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { bash, GATED, IN_TIME_MS, say, script, use } from "../http/support/script.ts";
import { EventStream } from "../http/support/stream.ts";
import { type GuardedDaemon, useGuarded } from "./support.ts";

/**
 * A holder of a token for one session goes through the whole contract, with what is theirs, with what is another's, and
 * with the two mixed.
 */
const guarded = useGuarded(async () => ({ store: "sqlite", trustedProxies: ["127.0.0.1"] }));

const ALL = Object.entries(endpoints as Record<string, Endpoint>);
/** Whoever has a token may ask for these, and they tell of that token only. */
const isOpen = ({ access }: Endpoint) => access === "none" || access === "known";

interface Session {
  session_id: string;
  run_id: string;
  /** What only one of this session's runs or tasks is called. */
  request_id: string;
  task_id: string;
  secret: string;
}
let mine: Session;
let theirs: Session;

/** A session with a run that waits for an approval, a task, a rule, and something said that nobody else may read. */
async function prepared(guard: GuardedDaemon, session_id: string): Promise<Session> {
  const { admin } = guard;
  const params = { session_id };
  const secret = `what-${session_id}-knows`;
  await admin.call("createSession", { body: { session_id } });
  const rule = { scope: "session" as const, tool_name_pattern: "x", behavior: "deny" as const };
  await admin.call("setSessionRule", { params: { ...params, rule_id: `rule-${session_id}` }, body: rule });
  const todo = use("task_create", { title: `task of ${session_id}`, description: secret });
  const content = script(todo, bash(`echo ${secret}`), say(secret));
  const { run_id } = await admin.call("submitRun", { params, body: { content } });
  const waits = async () => (await admin.call("getRun", { params: { run_id } })).pending_approvals ?? [];
  await vi.waitUntil(async () => (await waits()).length === 1, { timeout: IN_TIME_MS });
  const [approval] = await waits();
  const tasks = (await admin.call("listTasks", { params })) as { task_id?: string; id?: string }[];
  const task_id = tasks[0]?.task_id ?? tasks[0]?.id ?? "";
  expect(task_id).not.toBe("");
  return { session_id, run_id, request_id: approval?.id ?? "", task_id, secret };
}

beforeAll(async () => {
  mine = await prepared(guarded(), "mine");
  theirs = await prepared(guarded(), "theirs");
});

/** The path with these in the places of its parameters. */
function pathOf({ path }: Endpoint, { session_id, run_id, request_id, task_id }: Session): string {
  const values: Record<string, string> = { session_id, run_id, request_id, task_id };
  values.rule_id = `rule-${session_id}`;
  return path.replaceAll(/\{\*?(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? "x"));
}
const namesSession = ({ path }: Endpoint) => /\{(?:session_id|run_id)\}/.test(path);

/** Only whoever narrows a list with the body has to have it read; all others are refused before. */
function bodyOf({ path }: Endpoint): string {
  return path === "/v1/runs/prune" ? '{"older_than_ms":1}' : "{}";
}

let asks = 0;
function elsewhere(): string {
  asks += 1;
  return `192.0.2.${asks % 250}`;
}

/** What the endpoint answers; a stream is left as soon as it has begun. */
async function asked(token: string, endpoint: Endpoint, path: string): Promise<string> {
  // Each time from elsewhere: the limit of failures is not what is looked at.
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    "x-forwarded-for": elsewhere(),
  };
  const { method } = endpoint;
  if (method !== "GET") headers["content-type"] = "application/json";
  const leaving = new AbortController();
  const response = await fetch(guarded().daemon.baseUrl + path, {
    method,
    headers,
    signal: leaving.signal,
    ...(method === "GET" ? {} : { body: bodyOf(endpoint) }),
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const text = isStream ? "" : await response.text();
  leaving.abort();
  if (response.ok) return `${response.status} ${text}`;
  return (JSON.parse(text) as { code: string }).code;
}

const token = async (wanted: object) => (await guarded().token(wanted)).secret;
const EVERY_VERB = ["read", "write", "admin"] as const;

describe("02-A7 a narrow token, at every endpoint of the contract", () => {
  test("one for a session is refused wherever the session is another's", async () => {
    const secret = await token({ verbs: EVERY_VERB, resources: ["sessions/mine"] });
    const walked = ALL.filter(([, endpoint]) => namesSession(endpoint));
    expect(walked.length).toBeGreaterThan(50);
    for (const [id, endpoint] of walked) {
      const path = pathOf(endpoint, theirs);
      expect([id, await asked(secret, endpoint, path)]).toEqual([id, "insufficient_access"]);
    }
  });

  test("and wherever no session is named", async () => {
    const secret = await token({ verbs: EVERY_VERB, resources: ["sessions/mine"] });
    const walked = ALL.filter(([, endpoint]) => !namesSession(endpoint) && !isOpen(endpoint));
    expect(walked.length).toBeGreaterThan(80);
    for (const [id, endpoint] of walked) {
      const outcome = await asked(secret, endpoint, pathOf(endpoint, mine));
      expect([id, outcome]).toEqual([id, "insufficient_access"]);
    }
  });

  test.each(EVERY_VERB)("one with verb %s only is refused wherever another verb is needed", async (verb) => {
    const secret = await token({ verbs: [verb], resources: ["*"] });
    const walked = ALL.filter(([, endpoint]) => !isOpen(endpoint) && verbOf(endpoint) !== verb);
    expect(walked.length).toBeGreaterThan(40);
    for (const [id, endpoint] of walked)
      expect([id, await asked(secret, endpoint, pathOf(endpoint, theirs))]).toEqual([
        id,
        "insufficient_access",
      ]);
  });

  test("what is another's is not found under one's own session", async () => {
    const secret = await token({ verbs: EVERY_VERB, resources: ["sessions/mine"] });
    const mixed = { ...theirs, session_id: "mine" };
    const inner = ALL.filter(([, { path }]) => /\{session_id\}.*\{(?:task_id|rule_id)\}/.test(path));
    expect(inner.length).toBeGreaterThan(3);
    for (const [id, endpoint] of inner) {
      const path = pathOf(endpoint, mixed).replace("rule-mine", "rule-theirs");
      expect([id, await asked(secret, endpoint, path)]).toEqual([
        id,
        expect.stringMatching(/_not_found$|^request_body_invalid$/),
      ]);
    }
    const rules = await guarded().admin.call("listSessionRules", { params: { session_id: "theirs" } });
    expect(rules.rules.map(({ rule_id }) => rule_id)).toContain("rule-theirs");
    const decide = { resolutions: [{ request_id: theirs.request_id, behavior: "allow" }] };
    const own = `/v1/runs/${mine.run_id}/approvals`;
    for (const path of ["/v1/sessions/mine/approvals", "/v1/sessions/mine/approval-runs", own]) {
      const outcome = await guarded().outcome(secret, "POST", path, decide);
      expect([path, outcome]).toEqual([path, expect.stringMatching(/approval|body_invalid/)]);
    }
    const { pending_approvals } = await guarded().admin.call("getRun", { params: { run_id: theirs.run_id } });
    expect(pending_approvals).toHaveLength(1);
  });

  test.each([
    ["/v1/runs?session_id=mine&session_id=theirs"],
    ["/v1/runs?session_id=theirs&session_id=mine"],
    ["/v1/questions?session_id=mine&session_id=theirs"],
    ["/v1/questions?session_id=theirs&session_id=mine"],
    ["/v1/runs?session_id=mine&cursor="],
    ["/v1/runs?session_id=mine&page=true&limit=100&status="],
    ["/v1/runs?session_id=mine%00theirs"],
    ["/v1/runs?session_id=min*"],
    ["/v1/sessions/mine/../theirs"],
    ["/v1/sessions/mine/%2e%2e/theirs"],
    ["/v1/sessions/mine/..%2ftheirs/events"],
    ["/v1/sessions/./theirs"],
    ["//v1/sessions/theirs"],
    ["/v1/sessions//theirs"],
    ["/V1/sessions/theirs"],
    ["/v1/sessions/%74heirs"],
    ["/v1/sessions/theirs?session_id=mine"],
    ["/v1/sessions/theirs;session_id=mine"],
    ["/v1/sessions/theirs#mine"],
    ["http://mine/v1/sessions/theirs"],
  ])("GET %s tells nothing of theirs", async (path) => {
    const secret = await token({ verbs: ["read"], resources: ["sessions/mine"] });
    const { text } = await rawGet(path, secret);
    expect(text).not.toContain(theirs.run_id);
    expect(text).not.toContain(theirs.secret);
    expect(text).not.toContain('"session_id":"theirs"');
  });

  test("HEAD tells no more than GET: whether another's is there is not to be seen", async () => {
    const secret = await token({ verbs: ["read"], resources: ["sessions/mine"] });
    const head = async (path: string) =>
      (
        await fetch(guarded().daemon.baseUrl + path, {
          method: "HEAD",
          headers: { authorization: `Bearer ${secret}` },
        })
      ).status;
    expect(await head("/v1/sessions/theirs")).toBe(await head("/v1/sessions/nobody"));
    expect(await head(`/v1/runs/${theirs.run_id}`)).toBe(await head("/v1/runs/run-0"));
  });

  test("a stream that names a session and a run shows what lies in both", async () => {
    const { secret, token_id } = await guarded().token({ verbs: ["read"], resources: ["sessions/mine"] });
    const open = (session_id: string, run_id: string) => {
      const url = guarded().admin.url("eventsStream", { query: { session_id, run_id, cursor: "0" } });
      return EventStream.open(url, { authorization: `Bearer ${secret}` });
    };
    const streams = [await open("mine", theirs.run_id), await open("theirs", mine.run_id)];
    await guarded().admin.call("cancelRun", { params: { run_id: theirs.run_id } });
    await guarded().admin.call("revokeToken", { params: { token_id } });
    for (const stream of streams) {
      const text = JSON.stringify(await stream.rest());
      expect(text).not.toContain(theirs.secret);
      expect(text).not.toContain("theirs");
    }
  });

  test("a stream of one's own tells of nobody else's work", async () => {
    const secret = await token({ verbs: ["read"], resources: ["sessions/mine"] });
    const url = guarded().admin.url("eventsStream", { query: { session_id: "mine" } });
    const stream = await EventStream.open(url, { authorization: `Bearer ${secret}` });
    const submit = (session_id: string) =>
      guarded().admin.call("submitRun", { params: { session_id }, body: { content: GATED } });
    await submit("theirs");
    const own = await submit("mine");
    const seen: string[] = [];
    await stream.until((event) => {
      seen.push(JSON.stringify(event));
      return JSON.stringify(event).includes(own.run_id);
    });
    stream.close();
    expect(seen.join()).not.toContain("theirs");
  });
});

/** A request whose path nobody tidies up on the way. */
async function rawGet(path: string, secret: string): Promise<{ text: string }> {
  const { connect } = await import("node:net");
  const { hostname, port } = new URL(guarded().daemon.baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("end", () => resolve({ text }));
    socket.on("error", reject);
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${secret}\r\nconnection: close\r\n\r\n`,
    );
  });
}
