import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../../../kernel/random.ts";
import { openStateRoot } from "../../../../kernel/state-root.ts";
import { fakeDaemon, json, problem } from "../../testing/fake-daemon.ts";
import { type CliSetup, kheish } from "../../testing/run-cli.ts";
import { newMasterKey } from "./master-key.ts";

const KEY = "sk-cli-test-000000001";
const STATUS = {
  slot_id: "openai.prod",
  provider: "open_ai",
  mode: "api_key",
  summary: "api_key",
  updated_at_ms: 1,
};

let directory: string;
let env: Record<string, string>;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-secrets-"));
  env = { KHEISH_AUTH_STORE_MASTER_KEY: newMasterKey() };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const offline = (argv: string[], setup: CliSetup = {}) =>
  kheish(["secrets", ...argv, "--offline", "--state-root", join(directory, "state")], {
    workingDirectory: directory,
    ...setup,
    env: { ...env, ...setup.env },
  });

async function online(argv: readonly string[], setup: CliSetup = {}) {
  const daemon = await fakeDaemon({ "POST /v1/runtime/secrets": json(STATUS) });
  const result = await kheish(["--base-url", daemon.baseUrl, "secrets", ...argv], {
    workingDirectory: directory,
    ...setup,
  });
  return { ...result, body: daemon.requests[0]?.body };
}

describe("secrets generate", () => {
  it("prints one key of 32 bytes, another each time, and touches nothing", async () => {
    const [one, other] = [await kheish(["secrets", "generate"]), await kheish(["secret", "generate"])];
    expect(Buffer.from(one.stdout.trim(), "base64")).toHaveLength(32);
    expect(one.stdout).not.toBe(other.stdout);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("02-R54: secrets set", () => {
  it.each<[string, string[], CliSetup, string]>([
    ["--value", ["--value", " v "], {}, " v "],
    ["--from-env", ["--from-env", "NAME"], { env: { NAME: "from env\n" } }, "from env\n"],
    ["--stdin, without its last line end", ["--stdin"], { stdin: " two\nlines \n\n" }, " two\nlines \n"],
  ])("takes %s, and changes nothing else of it", async (_name, flags, setup, value) => {
    const { body, code } = await online(["set", "a", ...flags], setup);
    expect(code).toBe(0);
    expect(body).toEqual({ slot_id: "a", provider: "generic", mode: "opaque_secret", state: { value } });
  });

  it("takes a file, without its last line end", async () => {
    await writeFile(join(directory, "key"), `${KEY}\r\n`);
    const flags = ["--provider", "openai", "--from-file", "key", "--organization", "o", "--project", "p"];
    const { body, stdout } = await online(["set", "openai.prod", ...flags]);
    expect(body).toEqual({
      slot_id: "openai.prod",
      provider: "open_ai",
      mode: "api_key",
      state: { kind: "api_key", api_key: KEY, organization: "o", project: "p" },
    });
    expect(stdout).not.toContain(KEY);
  });

  it.each([
    [[], "give the secret once"],
    [["--value", "a", "--stdin"], "give the secret once"],
    [["--value", " \n"], "the secret is blank"],
    [["--from-env", "NOT_SET"], "the variable NOT_SET is not set"],
    [["--value", "a", "--organization", "o"], "--provider openai only"],
    [["--value", "a", "--provider", "mistral"], "Allowed choices"],
    [["--value", "a", "--state-root", "x"], "go with --offline only"],
  ])("refuses %j before anything is sent", async (flags, sentence) => {
    const { code, stderr, body } = await online(["set", "a", ...flags]);
    expect({ code, body }).toEqual({ code: 2, body: undefined });
    expect(stderr).toContain(sentence);
  });
});

describe("02-R53: secrets without a daemon", () => {
  it("names --offline and never falls back by itself", async () => {
    const { code, stderr } = await kheish(["--base-url", "http://127.0.0.1:1", "secrets", "list"], { env });
    expect(code).toBe(3);
    expect(stderr).toContain("--offline --state-root");
    const nowhere = await kheish(["secrets", "list", "--offline"], { env });
    expect(nowhere).toMatchObject({ code: 2 });
    expect(nowhere.stderr).toContain("--offline needs --state-root or KHEISH_STATE_ROOT");
  });

  it("writes, lists, shows and deletes in a state root that is not in use", async () => {
    expect(await offline(["set", "openai.prod", "--provider", "openai", "--value", KEY])).toMatchObject({
      code: 0,
    });
    expect(await offline(["set", "connectors.x", "--value", "v-v-v-v"])).toMatchObject({ code: 0 });
    const listed = await offline(["list"]);
    expect(JSON.parse(listed.stdout).map((slot: { slot_id: string }) => slot.slot_id)).toEqual([
      "connectors.x",
      "openai.prod",
    ]);
    // A status needs no key, as nothing is decrypted for it.
    const shown = await offline(["get", "openai.prod"], { env: { KHEISH_AUTH_STORE_MASTER_KEY: "" } });
    expect(JSON.parse(shown.stdout)).toMatchObject({ provider: "open_ai", summary: "api_key" });
    expect(`${listed.stdout}${shown.stdout}`).not.toContain(KEY);
    expect(JSON.parse((await offline(["delete", "openai.prod"])).stdout)).toEqual({ accepted: true });
    for (const verb of ["get", "delete"]) {
      expect(await offline([verb, "openai.prod"])).toMatchObject({ code: 5 });
    }
  });

  it("02, weakness 9: refuses a state root that a daemon runs on", async () => {
    const root = await openStateRoot(join(directory, "state"), systemRandom);
    try {
      for (const argv of [["list"], ["set", "a", "--value", "v-v-v-v"]]) {
        const { code, stderr } = await offline(argv);
        expect(code).toBe(1);
        expect(stderr).toContain("is in use by process");
        expect(stderr).toContain("leave out --offline: the daemon that uses it can do this itself");
      }
    } finally {
      await root.release();
    }
  });

  it("02-R48 02-R49: writes need the master key, and the right one", async () => {
    const without = await offline(["set", "a", "--value", "v-v-v-v"], {
      env: { KHEISH_AUTH_STORE_MASTER_KEY: "" },
    });
    expect(without.code).toBe(6);
    expect(without.stderr).toContain("no master key");
    await offline(["set", "a", "--value", "v-v-v-v"]);
    const wrong = await offline(["delete", "a"], { env: { KHEISH_AUTH_STORE_MASTER_KEY: newMasterKey() } });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("cannot be decrypted");
  });

  it("02-R52: checks what the daemon would have checked", async () => {
    const { code, stderr } = await offline(["set", "mcp.x", "--provider", "openai", "--value", KEY]);
    expect(code).toBe(2);
    expect(stderr).toContain("/provider: ");
    expect(stderr).not.toContain(KEY);
  });

  it("does not make a state root by looking at one", async () => {
    expect(await offline(["list"])).toMatchObject({ code: 1 });
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("secrets rekey", () => {
  it("takes the new key from a file, and sends nothing without one", async () => {
    const key = newMasterKey();
    await writeFile(join(directory, "new.key"), `${key}\n`);
    const daemon = await fakeDaemon({
      "POST /v1/runtime/secrets/rekey": json({ key_id: "id", reencrypted: 3 }),
    });
    const rekey = (...flags: string[]) =>
      kheish(["--base-url", daemon.baseUrl, "secrets", "rekey", ...flags], { workingDirectory: directory });
    const { stdout } = await rekey("--new-key-file", "new.key");
    expect(JSON.parse(stdout)).toEqual({ key_id: "id", reencrypted: 3 });
    expect(daemon.requests[0]?.body).toEqual({ new_key: `${key}\n` });
    expect(await rekey()).toMatchObject({ code: 2 });
    expect(await rekey("--generate", "--new-key-file", "new.key")).toMatchObject({ code: 2 });
    const generated = JSON.parse((await rekey("--generate")).stdout);
    expect(daemon.requests[1]?.body).toEqual({ new_key: generated.new_key });
  });

  it("offline: the generated key opens the store, and from then on the old one does not", async () => {
    await offline(["set", "a", "--value", "v-v-v-v"]);
    const { new_key } = JSON.parse((await offline(["rekey", "--generate"])).stdout);
    const next = { env: { KHEISH_AUTH_STORE_MASTER_KEY: new_key } };
    expect(await offline(["set", "b", "--value", "w-w-w-w"], next)).toMatchObject({ code: 0 });
    expect(await offline(["delete", "a"])).toMatchObject({ code: 1 });
    expect(await offline(["delete", "a"], next)).toMatchObject({ code: 0 });
  });
});

describe("runtime auth", () => {
  const ID = `-${"a".repeat(42)}`;
  const lease = {
    lease: {
      id: ID,
      grant_id: "g",
      subject_id: "session:s",
      subject_epoch: 0,
      audience: { type: "route", route_id: "r", slot_id: "a" },
      issued_at_ms: 1,
      expires_at_ms: 2,
    },
    revoked: true,
    active: false,
  };

  it("takes ids that begin with a dash, wherever the flags stand", async () => {
    const daemon = await fakeDaemon({ [`POST /v1/runtime/auth/leases/${ID}/revoke`]: json(lease) });
    const base = ["--base-url", daemon.baseUrl, "runtime", "auth", "revoke-lease"];
    expect(await kheish([...base, ID, "--reason", "drill"])).toMatchObject({ code: 0 });
    expect(await kheish([...base, "--reason", "drill", ID])).toMatchObject({ code: 0 });
    expect(daemon.requests.map(({ body }) => body)).toEqual([{ reason: "drill" }, { reason: "drill" }]);
  });

  it("sends ids as one segment, and the reason that some verbs need", async () => {
    const subject = { subject_id: "session:a/b", current_epoch: 1, revoked: false };
    const daemon = await fakeDaemon({
      "POST /v1/runtime/auth/subjects/session%3Aa%2Fb/reinstate": json(subject),
      "POST /v1/runtime/auth/slots/openai.prod/disable": json({
        ...STATUS,
        disabled: true,
        disabled_reason: "x",
      }),
      "POST /v1/runtime/auth/slots/openai.prod/revoke": json({ slot_id: "openai.prod", revoked_leases: 2 }),
    });
    const auth = (...argv: string[]) => kheish(["--base-url", daemon.baseUrl, "runtime", "auth", ...argv]);
    expect(await auth("reinstate-subject", "session:a/b")).toMatchObject({ code: 2 });
    expect(await auth("reinstate-subject", "session:a/b", "--reason", "drill")).toMatchObject({ code: 0 });
    expect(await auth("disable-slot", "openai.prod", "--reason", "leaked")).toMatchObject({ code: 0 });
    expect(JSON.parse((await auth("revoke-slot", "openai.prod")).stdout)).toEqual({
      slot_id: "openai.prod",
      revoked_leases: 2,
    });
  });

  it("exits with 5 for what is not there", async () => {
    const daemon = await fakeDaemon({
      "GET /v1/runtime/auth/subjects/nobody": problem(404, "subject_not_found", "there is no subject"),
    });
    expect(
      await kheish(["--base-url", daemon.baseUrl, "runtime", "auth", "subject", "nobody"]),
    ).toMatchObject({ code: 5 });
  });
});
