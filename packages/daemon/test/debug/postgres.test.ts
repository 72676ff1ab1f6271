import { afterAll, beforeAll, expect, test } from "vitest";
import { Fixture } from "../http/support/fixture.ts";
import { of } from "../http/support/params.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { ServedDaemon } from "../support/served.ts";

const env = { KHEISH_DEBUG_CAPTURE_KEY: Buffer.alloc(32, 5).toString("base64") };

let server: PostgresServer;
const daemons: ServedDaemon[] = [];
const [one, other] = [0, 1].map((index) => new Fixture(() => daemons[index] as ServedDaemon)) as [
  Fixture,
  Fixture,
];

beforeAll(async () => {
  server = await startPostgres();
  const store = await server.createDatabase();
  for (let n = 0; n < 2; n++) daemons.push(await ServedDaemon.start({ store, env }));
});
afterAll(async () => {
  for (const daemon of daemons) await daemon.remove();
  await server?.stop();
});

test("01-R100 01-R102 01-R103 two daemons on one PostgreSQL capture, show and prune the same evidence", async () => {
  await one.api.call("setDebugLevel", { body: { level: "full" } });
  // Asked for, the other one has the settings as they are now.
  expect((await other.api.call("getRuntime")).debug_level).toBe("full");
  const session = await one.session();
  const runs: string[] = [];
  for (const fixture of [one, other, one, other]) {
    const { run_id } = await fixture.submit(session, "the weather in Lisbon");
    await fixture.settles(run_id);
    runs.push(run_id);
  }
  for (const run_id of runs) {
    const view = await one.api.call("runDebug", of(run_id));
    expect(view).toEqual(await other.api.call("runDebug", of(run_id)));
    expect(view).toMatchObject({ level: "full", artifacts: [{ encrypted: true }, { encrypted: true }] });
    const params = { run_id, artifact_id: "turn-0000-attempt-0001-model-request" };
    expect(await other.api.call("runDebugArtifact", { params })).toContain("the weather in Lisbon");
  }
  const pruned: string[] = [];
  while (pruned.length < runs.length) {
    const answers = await Promise.all(
      [one, other].map(({ api }) => api.call("pruneRuns", { body: { older_than_ms: 1 } })),
    );
    pruned.push(...answers.flatMap((answer) => answer.pruned_debug_run_ids));
  }
  expect(pruned.toSorted(), "each by one of them").toEqual(runs.toSorted());
  expect(await other.api.call("runDebug", of(runs[0] ?? ""))).toMatchObject({ level: "off" });
});
