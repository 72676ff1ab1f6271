import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type AuthSubjectStatus, isTerminal } from "@kheish/contract";
import { expect, test } from "vitest";
import { type Evidence, findLeaks } from "../support/no-leak.ts";
import { scratch } from "../support/operator.ts";
import { calls, Drill, formsOf, refuses, says } from "./no-leak-drill.ts";

/** What a child of the daemon can see of its parents, and what somebody left lying about. */
const look = (found: string) =>
  `env; tr '\\0' '\\n' < /proc/self/environ; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline; cat ${found}; cat ${found} >&2`;
/** A hook that keeps what it was told and what it was given, where the search comes by. */
const HOOK =
  "cat >> hook-input; env >> hook-environment; tr '\\0' '\\n' < /proc/self/environ >> hook-environment";

test("issue 5, 02-R47 02-R57 02-R93: what is in a slot, a token file or the daemon's environment is nowhere else", async () => {
  const drill = await Drill.start();
  const { secrets, wire, chat, authorization } = drill;
  await drill.placeSecrets();
  await drill.call("POST", "/v1/runtime/debug-level", { level: "full" });
  const executor = { type: "command", command: HOOK };
  const hooks = { pre_tool_use: [{ name: "keep", executor }], stop: [{ name: "keep", executor }] };
  await drill.call("POST", "/v1/runtime/hooks", { settings: { hooks } });
  const budget = { window: { kind: "day" }, limits: { model_calls: 1_000 }, on_limit: "fail" };
  await drill.call("PUT", "/v1/runtime/budgets/day", { ...budget, scope: { kind: "daemon" } });
  const { secret: namedToken } = await drill.createToken();
  await drill.kheish("secrets", "rekey", "--new-key-file", await fileOf(secrets.next_master_key));
  const quoted = [...Object.values(secrets), namedToken].flatMap(formsOf).join("\n");
  await writeFile(drill.found, quoted);

  // A provider that answers, whose model looks around, and repeats what it has seen; then one that fails, and quotes.
  wire.plan(
    calls(
      { name: "bash", input: { command: look(drill.found) } },
      { name: "mcp__tracker__get-env", input: {} },
    ),
    says(`done with ${formsOf(secrets.route_key).join(" and ")}`),
    refuses(401, `Incorrect API key provided: ${formsOf(secrets.route_key).join(" or ")}`),
    refuses(503, `busy: ${formsOf(secrets.route_key_of_environment).join(" or ")}`, "overloaded"),
    says("with the key of the environment"),
    refuses(400, `bad: ${formsOf(secrets.route_key_of_environment).join(" or ")}`),
  );
  const worked = await drill.run("look around");
  expect(worked.status, worked.error).toBe("completed");
  expect(wire.requests[0]?.headers.authorization, "the provider was given it").toBe(
    `Bearer ${secrets.route_key}`,
  );
  const failed = await drill.run("again");
  expect(failed.error).toContain("Incorrect API key provided: <redacted> or <redacted>");
  const byEnvironment = await drill.run("hello", "env");
  expect(byEnvironment.status, byEnvironment.error).toBe("completed");
  const failedByEnvironment = await drill.run("hello", "env");
  expect(failedByEnvironment.error).toContain("bad: <redacted>");

  // An account whose token is refused, and refreshed, and then quoted; another that is refreshed; one that cannot be.
  const [first] = authorization.issued;
  chat.answer = (token) => ({
    status: token === first?.access_token ? 401 : 400,
    text: `bad: Bearer ${formsOf(token).join(" or ")}`,
  });
  const account = await drill.run("hello", "team");
  expect(account.error).toContain("bad: <redacted> or <redacted>");
  expect(chat.keys).toEqual([first?.access_token, authorization.issued[2]?.access_token]);
  await drill.call("POST", "/v1/runtime/auth/accounts/mcp.oauth.tracker/refresh");
  const refused = await drill.ask("POST", "/v1/runtime/auth/accounts/mcp.oauth.refused/refresh");
  expect(refused.ok, "the tokens of another client are refused").toBe(false);
  const held = { ...secrets, ...drill.issued(), named_token: namedToken };
  expect(Object.keys(held)).toHaveLength(8 + 8 + 1);

  // Callers who put a secret where it does not belong, and who have the wrong one.
  const misplaced: string[] = [await refused.text()];
  for (const secret of Object.values(held)) {
    misplaced.push(await (await drill.ask("GET", `/v1/runs/${encodeURIComponent(secret)}`)).text());
    misplaced.push(await (await drill.ask("GET", "/v1/runs", undefined, `${secret}-`)).text());
  }
  expect(misplaced.join()).toContain("<redacted>");
  const asNamed = await drill.ask("GET", "/v1/sessions", undefined, namedToken);
  expect(asNamed.status).toBe(200);

  const archive = join(await scratch(), "backup.tar");
  await drill.kheish("backup", "--out", archive);

  // Killed in the middle of a call: what lies about then is what a thief of the disk finds.
  // None of its processes comes or goes while they are looked at.
  const command = "sleep 600 & : > at-work; wait";
  wire.plan(calls({ name: "bash", input: { command } }), says("awake again"));
  const interrupted = await drill.begin("sleep");
  const children = await drill.whileAtWork(interrupted);
  expect(Object.keys(children.others).length, "a shell and what it started").toBeGreaterThan(1);
  await drill.daemon.kill();
  const afterKill = await findLeaks(held, await drill.written());
  await drill.restartWith(secrets.next_master_key);
  const resumed = await drill.when(interrupted, ({ status }) => isTerminal(status));

  const runs = [worked, failed, byEnvironment, failedByEnvironment, account, resumed].map(
    ({ run_id }) => run_id,
  );
  const evidence: Record<string, string> = {};
  for (const run of runs) Object.assign(evidence, await drill.evidenceOf(run));
  const subject = await drill.call<AuthSubjectStatus>("GET", "/v1/runtime/auth/subjects/session:s");
  const lease_id = subject.active_route_lease_ids ?? [];
  expect(lease_id.length, "a lease of the last call").toBeGreaterThan(0);
  const views = await drill.views({
    lease_id,
    budget_id: ["day"],
    skill_name: ["triage-issue"],
    session_id: ["s"],
    run_id: runs,
    revision: ["1", "2"],
    ref: ["main.key", "mcp.tracker.TOKEN"],
    slot: ["team", "mcp.oauth.tracker", "mcp.oauth.refused"],
    subject_id: ["session:s", "daemon"],
  });
  const exported = join(await scratch(), "audit.jsonl");
  await drill.kheish("audit", "export", "--out", exported);
  const written = await drill.written();
  const all: Evidence = {
    ...written,
    texts: {
      ...written.texts,
      ...views,
      ...evidence,
      ...children.others,
      backup: await readFile(archive),
      audit: await readFile(exported),
      refusals: misplaced.join("\n"),
    },
  };

  // Everything that is searched is there, and was where the secrets were.
  expect(evidence[`${failed.run_id} turn-0000-attempt-0001-provider-events`]).toContain("<redacted>");
  expect(views["/v1/sessions/s/events"]).toContain("PATH=");
  expect(views["/v1/sessions/s/events"]).toContain("TRACKER_TOKEN");
  expect(views["/v1/events/stream"]).toContain("tool_call_finished");
  expect(views["/metrics"]).toContain("kheish_");
  expect(String(all.texts?.log)).toContain("answered a request");
  expect(String(all.texts?.log)).toContain("an account was refreshed");
  expect(await readFile(join(drill.at.workspace, "hook-environment"), "utf8")).toContain("PATH=");
  expect(drill.collector.spans.length).toBeGreaterThan(0);
  const ofServer = await findLeaks(held, { texts: children.mcp });
  expect(new Set(ofServer.map(({ secret }) => secret)), "the server is given its own").toEqual(
    new Set(["mcp_secret"]),
  );

  expect([...afterKill, ...(await findLeaks(held, all))]).toEqual([]);
  await findsWhatIsPlanted(drill, held, all);
}, 240_000);

/** The same search, over the same evidence, with one secret in each of the places where it would hide. */
async function findsWhatIsPlanted(drill: Drill, held: Record<string, string>, all: Evidence): Promise<void> {
  const copy = await scratch();
  const root = join(copy, "state");
  await cp(drill.at.stateRoot, root, { recursive: true });
  const planted = new Map<string, string>();
  const kinds = Object.keys(held);
  const next = (where: string): string => {
    const secret = kinds[planted.size % kinds.length] ?? "";
    planted.set(where, secret);
    return held[secret] ?? "";
  };
  const file = join(root, "deep", "down");
  await mkdir(file, { recursive: true });
  await writeFile(join(file, "dump"), Buffer.from(`user:${next(join(file, "dump"))}`).toString("base64"));
  const database = join(root, "kheish.db");
  const db = new DatabaseSync(database);
  db.exec("CREATE TABLE planted (text TEXT)");
  const insert = db.prepare("INSERT INTO planted VALUES (?)");
  insert.run("x".repeat(9_000) + JSON.stringify(JSON.stringify(next(`${database} planted`))));
  db.close();
  const texts: Record<string, string> = {};
  for (const [where, text] of Object.entries(all.texts ?? {}))
    texts[where] = `${Buffer.from(text).toString()}${formsOf(next(where))[planted.size % 7]}`;
  const leaks = await findLeaks(held, { directories: [root], texts });
  const found = new Map(leaks.map(({ where, secret }) => [where, secret]));
  for (const [where, secret] of planted) expect([where, found.get(where)]).toEqual([where, secret]);
}

async function fileOf(text: string): Promise<string> {
  const path = join(await scratch(), "key");
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
