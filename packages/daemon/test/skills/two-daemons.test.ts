import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../mcp/support.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { useSkills, writeSkill } from "./support.ts";

const { serve } = useSkills();
let postgres: PostgresServer;
let root: string;
beforeAll(async () => {
  postgres = await startPostgres();
  root = await mkdtemp(join(tmpdir(), "kheish-skills-pg-"));
});
afterAll(async () => {
  await postgres.stop();
  await rm(root, { recursive: true, force: true });
});

test("08: what is added on one daemon is on every daemon of the store, and so are a replacement, a reload and a removal", async () => {
  const store = await postgres.createDatabase();
  const skills = { explicit: [root] };
  const [one, other] = [await serve({ store, skills }), await serve({ store, skills })];
  const theirs = (wanted: (found: { name: string; digest: string }[]) => boolean) =>
    eventually(async () => {
      const found = await other.http.call("listSkills");
      return wanted(found) ? found : undefined;
    });
  const added = await one.addSkill("a");
  await theirs(([first]) => first?.digest === added.digest);
  expect(await other.http.refusal("addSkill", { body: { name: "a", instructions: "x" } })).toMatchObject({
    code: "skill_exists",
  });
  const changed = await one.http.call("setSkill", {
    params: { skill_name: "a" },
    body: { instructions: "New." },
  });
  await theirs(([first]) => first?.digest === changed.digest);

  await writeSkill(join(root, "b"));
  await one.reload();
  await theirs((found) => found.some(({ name }) => name === "b"));

  await other.session();
  await other.activate("a");
  await one.http.call("removeSkill", { params: { skill_name: "a" } });
  await theirs((found) => found.every(({ name }) => name !== "a"));
  const session = await one.http.call("getSession", { params: { session_id: "s" } });
  expect(session.active_skills).toMatchObject([
    { name: "a", digest: changed.digest, activated_by: "operator" },
  ]);
});
