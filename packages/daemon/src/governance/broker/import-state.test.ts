import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SimulatedClock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { testLedger } from "../audit/testing.ts";
import { Credentials } from "../credentials.ts";
import { Redactor } from "../redaction/redactor.ts";
import { keyNumber, openAiSlot, random, useVaults } from "../secrets/vault.fixture.ts";
import { importBrokerState } from "./import-state.ts";

const vaults = useVaults();
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const present = (path: string) => readFile(path, "utf8").catch(() => undefined);

async function scene(content: string) {
  const { store } = await vaults.store();
  const clock = new SimulatedClock();
  const deps = {
    store,
    audit: testLedger(store, clock),
    clock,
    random,
    masterKey: keyNumber(1),
    redactor: new Redactor(),
  };
  const { vault, broker } = new Credentials(deps);
  await vault.start();
  const path = join(await vaults.directory(), "global-slots.broker-state.json");
  await writeFile(path, content);
  const read = () => importBrokerState(path, { vault, broker, readFile: present, rename, log: silent });
  return { vault, broker, path, read };
}

it("02-R67 02-R68 what was revoked before an upgrade still is, and can be given back", async () => {
  const { vault, broker, path, read } = await scene(
    JSON.stringify({
      issued_route_leases: { x: {} },
      subject_epochs: { "session:a": 3, "session:b": 1 },
      revoked_subjects: { "session:a": 1_700_000_000_000 },
      revoked_slots: { "openai.prod": 1_700_000_000_000, gone: 1 },
    }),
  );
  await vault.put(openAiSlot("openai.prod", "a-secret-value"), { actor: "admin" });
  await read();
  expect(await broker.subject("session:a")).toMatchObject({ revoked: true, current_epoch: 3 });
  await expect(broker.subject("session:b")).rejects.toMatchObject({ code: "subject_not_found" });
  expect(vault.status("openai.prod")).toMatchObject({ disabled: true });
  expect(await broker.reinstateSubject("session:a", { principal: "admin" })).toMatchObject({
    revoked: false,
  });
  expect(await vault.enable("openai.prod", { actor: "admin" })).not.toHaveProperty("disabled");
  // Read once: a file that is put back by a restore of the directory takes nothing away from who was reinstated.
  expect(await present(path)).toBeUndefined();
  await rename(`${path}.imported`, path);
  await read();
  expect(await broker.subject("session:a")).toMatchObject({ revoked: false });
});

it.each(["{", '{"subject_epochs": []}'])("a file that is damaged (%s) stops the start", async (content) => {
  const { read } = await scene(content);
  await expect(read()).rejects.toThrow(/broker-state\.json/);
});
