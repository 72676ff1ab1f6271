import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RawAnswer, requestRaw, startTestServer, type TestServer } from "../test-support.ts";
import { consoleIn } from "./files.ts";

const PAGE = "<!doctype html><title>the console</title>";
const SCRIPT = "console.log('x');".repeat(200);
const TOKENS = { mode: "bearer", adminToken: "admin" } as const;

let directory: string;
let server: TestServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-console-"));
  await mkdir(join(directory, "assets"));
  await writeFile(join(directory, "index.html"), PAGE);
  await writeFile(join(directory, "icon.svg"), "<svg/>");
  await writeFile(join(directory, "assets", "app-abc.js"), SCRIPT);
  server = await startTestServer({ auth: TOKENS, console: consoleIn(directory) });
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  requestRaw(server, `GET ${path}`, headers);

describe("the console's files", () => {
  it.each(["/", "/runs", "/runs/run-1", "/sessions/a%2Fb/chat", "/?x=1"])(
    "08-S2 08-S4 08-S7 %s is the page, and nobody is asked for a token",
    async (path) => {
      const answer = await get(path);
      expect(answer).toMatchObject({ status: 200, body: PAGE });
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    },
  );

  it("08-S3 a file is itself, with its type", async () => {
    const icon = await get("/icon.svg");
    expect([icon.status, icon.body, icon.headers.get("content-type")]).toEqual([
      200,
      "<svg/>",
      "image/svg+xml",
    ]);
    const script = await get("/assets/app-abc.js");
    expect(script.body).toBe(SCRIPT);
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });

  it.each(["/missing.js", "/assets/app-old.js", "/.env"])(
    "08-S5 %s, which is not there and looks like a file, is 404",
    async (path) => {
      expect(await get(path)).toMatchObject({
        status: 404,
        body: { domain: "console", code: "asset_not_found" },
      });
    },
  );

  it.each([
    "/../package.json",
    "/assets/../../package.json",
    "/%2e%2e/package",
    "/a/..%2f..%2fetc/passwd",
    "/%ff",
  ])("08-S6 %s leads nowhere", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it.each(["/v1", "/v1/nothing", "/healthz/x", "/readyz/x"])(
    "08-S1 %s is the API's, and never a page",
    async (path) => {
      const answer = await get(path, { authorization: "Bearer admin" });
      expect(answer).toMatchObject({ status: 404, body: { domain: "api", code: "route_not_found" } });
    },
  );

  it("only what reads is answered with a page; the rest needs a token, as ever", async () => {
    expect((await requestRaw(server, "POST /runs")).status).toBe(401);
    const head = await requestRaw(server, "HEAD /");
    expect([head.status, head.body]).toEqual([200, ""]);
  });

  it("runs no script but its own, in no frame, from nowhere else", async () => {
    const { headers } = await get("/");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
      ]),
    );
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("what is named by its content is kept for ever, the page is asked for again and told that nothing changed", async () => {
    const script = await get("/assets/app-abc.js");
    expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const page = await get("/");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const again = await get("/", { "if-none-match": page.headers.get("etag") ?? "" });
    expect([again.status, again.body]).toEqual([304, ""]);
  });

  it("is compressed for whoever takes it so", async () => {
    const answer = await fetch(`${server.baseUrl}/assets/app-abc.js`);
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(Number(answer.headers.get("content-length"))).toBeLessThan(SCRIPT.length / 4);
    expect(await answer.text()).toBe(SCRIPT);
    expect((await get("/assets/app-abc.js")).headers.get("content-encoding")).toBeNull();
  });
});

describe("a daemon without a built console", () => {
  it("08-S8 says how to build it", async () => {
    const bare = await startTestServer({ console: consoleIn(join(directory, "nothing here")) });
    try {
      const page = await (await fetch(`${bare.baseUrl}/`)).text();
      expect(page).toContain("npm run build");
    } finally {
      await bare.close();
    }
  });
});
