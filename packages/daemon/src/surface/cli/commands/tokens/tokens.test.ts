import type { CreatedToken, TokenView } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { fastClock, kheish } from "../../testing/run-cli.ts";
import { NOW } from "../../testing/samples.ts";

const TOKEN: TokenView = {
  token_id: "tok_0123456789abcdef",
  name: "ci",
  verbs: ["read", "write"],
  resources: ["sessions/ci-*"],
  created_at_ms: NOW - 60_000,
  created_by: "admin-token",
  expires_at_ms: NOW + 90 * 86_400_000,
};
const CREATED: CreatedToken = { ...TOKEN, secret: "kheish_it-is-shown-once" };
const PATH = "/v1/runtime/tokens";

describe("02-A1 tokens", () => {
  it("create asks for what the flags say, and prints the secret", async () => {
    const daemon = await fakeDaemon({ [`POST ${PATH}`]: json(CREATED, 201) });
    const { code, stdout } = await kheish([
      ...["--base-url", daemon.baseUrl, "tokens", "create", "ci", "--verb", "read", "--verb", "write"],
      ...["--resource", "sessions/ci-*", "runs", "--expires-in", "1d12h"],
    ]);
    expect(code).toBe(0);
    expect(daemon.requests).toMatchObject([
      {
        method: "POST",
        url: PATH,
        body: {
          name: "ci",
          verbs: ["read", "write"],
          resources: ["sessions/ci-*", "runs"],
          expires_in_ms: 129_600_000,
        },
      },
    ]);
    expect(JSON.parse(stdout)).toEqual(CREATED);
  });

  it("create shows a person the secret on a line of its own", async () => {
    const daemon = await fakeDaemon({ [`POST ${PATH}`]: json(CREATED, 201) });
    const argv = ["token", "create", "ci", "--verb", "read", "--resource", "sessions/ci-*"];
    const { stdout } = await kheish(["--base-url", daemon.baseUrl, ...argv], {
      columns: 100,
      env: { NO_COLOR: "1" },
      clock: fastClock(NOW),
    });
    expect(daemon.requests[0]?.body).not.toHaveProperty("expires_in_ms");
    expect(stdout.split("\n")).toEqual([
      "name       ci",
      "id         tok_0123456789abcdef",
      "verbs      read write",
      "resources  sessions/ci-*",
      "expires    in 90d",
      "",
      "kheish_it-is-shown-once",
      "",
      "Keep it now: it is not shown again.",
      "",
    ]);
  });

  it("list is a table on a terminal", async () => {
    const daemon = await fakeDaemon({ [`GET ${PATH}`]: json([TOKEN]) });
    const list = () =>
      kheish(["--base-url", daemon.baseUrl, "tokens", "list"], {
        columns: 100,
        env: { NO_COLOR: "1" },
        clock: fastClock(NOW),
      });
    expect((await list()).stdout.split("\n").slice(0, 2)).toEqual([
      "NAME  VERBS       RESOURCES      EXPIRES  LAST USED  CREATED BY",
      "ci    read write  sessions/ci-*  in 90d   never      admin-token",
    ]);
    daemon.on(`GET ${PATH}`, json([]));
    expect((await list()).stdout).toBe("No named tokens.\n");
  });

  it.each(["ci", "tok_0123456789abcdef"])("revoke takes a name or an id: %s", async (name) => {
    const answer = { accepted: true, revoked: [TOKEN.token_id] };
    const daemon = await fakeDaemon({
      [`GET ${PATH}`]: json([TOKEN]),
      [`DELETE ${PATH}/${TOKEN.token_id}`]: json(answer),
    });
    const { code, stdout } = await kheish(["--base-url", daemon.baseUrl, "tokens", "revoke", name]);
    expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 0, answer });
  });

  it("revoke of one that nobody knows exits as any 404 does", async () => {
    const daemon = await fakeDaemon({ [`GET ${PATH}`]: json([TOKEN]) });
    const { code, stderr } = await kheish(["--base-url", daemon.baseUrl, "tokens", "revoke", "cd"]);
    expect(code).toBe(5);
    expect(stderr).toContain("there is no token 'cd'");
  });

  it.each([
    ["no verb", ["create", "ci", "--resource", "*"]],
    ["no resource", ["create", "ci", "--verb", "read"]],
    ["an unknown verb", ["create", "ci", "--verb", "rule", "--resource", "*"]],
    [
      "a duration without a unit",
      ["create", "ci", "--verb", "read", "--resource", "*", "--expires-in", "90"],
    ],
    ["a duration of nothing", ["create", "ci", "--verb", "read", "--resource", "*", "--expires-in", "0d"]],
    ["nobody to revoke", ["revoke"]],
  ])("refuses %s", async (_what, argv) => {
    expect(await kheish(["tokens", ...argv])).toMatchObject({ code: 2, stdout: "" });
  });
});
