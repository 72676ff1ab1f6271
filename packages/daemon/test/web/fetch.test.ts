import { brotliCompressSync, gzipSync } from "node:zlib";
import type { JsonObject } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { networkAllow } from "../../src/governance/outbound/network-allow.ts";
import { MAX_BODY_BYTES } from "../../src/tools/web/fetch-page.ts";
import { until } from "../support/wait.ts";
import { type FakeWeb, type Handler, PUBLIC, redirect, text } from "./fake-web.ts";
import { type Result, webRig } from "./web-run.ts";

const page =
  (type: string, body: string | Uint8Array, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    // In pieces, so that no length is declared.
    response.writeHead(200, { "content-type": type, ...headers });
    response.write(body);
    response.end();
  };

const bodyOf = (result: Result | undefined) => result?.output.body;

describe("03-R17 web_fetch", () => {
  it("answers a page as Markdown, with where it was found", async () => {
    const { web, calls, session } = await webRig();
    web.page("page.example/a", redirect("/b?c=d"));
    web.page("page.example/b", (_request, response) => {
      response.writeHead(200, {
        "content-type": "text/html; charset=iso-8859-1",
        "x-long": "x".repeat(5_000),
        "set-cookie": "session=1",
      });
      response.end(
        Buffer.from("<title>Caf\xe9</title><h2>One</h2><p>Two <a href='/c'>three</a></p>", "latin1"),
      );
    });
    const [result] = await calls("web_fetch", [{ url: "http://page.example/a" }]);
    expect(result).toEqual({
      is_error: false,
      output: {
        url: "http://page.example/a",
        final_url: "http://page.example/b?c=d",
        redirects: ["http://page.example/b?c=d"],
        status: 200,
        headers: expect.objectContaining({
          "content-type": "text/html; charset=iso-8859-1",
          "x-long": "x".repeat(4_096),
        }),
        body: "# Café\n\n## One\n\nTwo [three](http://page.example/c)",
        format: "markdown",
        bytes_read: 64,
        truncated: false,
      },
    });
    expect(result?.output.headers).not.toHaveProperty("set-cookie");
    const [finished] = await session.events("tool_call_finished");
    expect(finished?.context_updates).toEqual([
      { type: "web_resource_visited", uri: "http://page.example/b?c=d" },
    ]);
  });

  it("sends who it is and nothing else: no cookie, no referrer, no credential", async () => {
    const { web, calls } = await webRig();
    web.page(
      "page.example/",
      (_request, response) => void response.writeHead(302, { location: "/next", "set-cookie": "a=1" }).end(),
    );
    web.page("page.example/next", text("ok"));
    await calls("web_fetch", [{ url: "http://page.example/" }, { url: "http://page.example/next" }]);
    expect(web.headers.map((headers) => Object.keys(headers).sort())).toEqual(
      Array(3).fill(["accept", "accept-encoding", "connection", "host", "user-agent"]),
    );
    expect(web.headers[0]).toMatchObject({ "user-agent": "kheish/test", "accept-encoding": "identity" });
  });

  it("reads text of every kind, in its encoding", async () => {
    const { web, calls } = await webRig();
    const utf16 = Buffer.from("\ufeffsnow \u2603", "utf16le");
    const kinds: [type: string, body: string | Uint8Array, shown: string][] = [
      ["text/plain", "plain", "plain"],
      ["text/markdown; charset=utf-8", "# m", "# m"],
      ["TEXT/CSV", "a,b", "a,b"],
      ["application/json", '{"a":1}', '{"a":1}'],
      ["application/ld+json", "{}", "{}"],
      ["application/problem+json", "{}", "{}"],
      ["application/xml", "<a>1</a>", "<a>1</a>"],
      ["text/xml", "<a/>", "<a/>"],
      ["application/rss+xml", "<rss/>", "<rss/>"],
      ["application/atom+xml", "<feed/>", "<feed/>"],
      ["image/svg+xml", "<svg/>", "<svg/>"],
      ["application/xhtml+xml", "<p>x</p>", "x"],
      ['text/plain; charset="windows-1252"', Buffer.from([0x93, 0x80, 0x94]), "\u201c\u20ac\u201d"],
      ["text/plain; charset=shift_jis", Buffer.from([0x83, 0x65, 0x83, 0x58, 0x83, 0x67]), "テスト"],
      ["text/plain; charset=no-such-thing", "é", "é"],
      ["text/plain; charset=utf-8", utf16, "snow ☃"],
      ["text/html", Buffer.from("<meta charset='iso-8859-15'><p>\xa4</p>", "latin1"), "€"],
      [
        "application/xml",
        Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', "latin1"),
        '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>',
      ],
      ["text/plain", Buffer.from([0x61, 0xff, 0x62]), "a\ufffdb"],
    ];
    for (const [index, [type, body]] of kinds.entries()) web.page(`page.example/${index}`, page(type, body));
    const results = await calls(
      "web_fetch",
      kinds.map((_kind, index) => ({ url: `http://page.example/${index}` })),
    );
    expect(results.map(bodyOf)).toEqual(kinds.map(([, , shown]) => shown));
  });

  it("says when there was more, and cuts no character in two", async () => {
    const { web, calls } = await webRig();
    web.page("page.example/long", page("text/plain", "é".repeat(70_000)));
    web.page("page.example/odd", page("text/plain", `x${"é".repeat(70_000)}`));
    web.page("page.example/exact", page("text/plain", "x".repeat(MAX_BODY_BYTES)));
    web.page("page.example/links", page("text/html", "<a href='y'>y</a>".repeat(7_000)));
    web.names.set("page.example", [[PUBLIC]]);
    const deep = `http://page.example/${"d/".repeat(100)}`;
    web.page(deep.slice("http://".length), page("text/html", "<a href='y'>y</a>".repeat(7_000)));
    const [long, odd, exact, grown] = await calls("web_fetch", [
      { url: "http://page.example/long" },
      { url: "http://page.example/odd" },
      { url: "http://page.example/exact" },
      { url: deep },
    ]);
    expect(long?.output).toMatchObject({
      truncated: true,
      bytes_read: MAX_BODY_BYTES,
      body: "é".repeat(65_536),
    });
    expect(odd?.output).toMatchObject({ truncated: true, body: `x${"é".repeat(65_535)}` });
    expect(exact?.output).toMatchObject({ truncated: false, bytes_read: MAX_BODY_BYTES });
    // Links were made absolute: the text is longer than the page, and cut like one.
    expect(grown?.output.truncated).toBe(true);
    expect(String(bodyOf(grown)).length).toBe(MAX_BODY_BYTES);
  });

  it("unpacks what was compressed although nobody asked", async () => {
    const { web, calls } = await webRig();
    web.page("page.example/gzip", page("text/plain", gzipSync("packed"), { "content-encoding": "gzip" }));
    web.page(
      "page.example/br",
      page("text/plain", brotliCompressSync("packed"), { "content-encoding": "BR" }),
    );
    const results = await calls("web_fetch", [
      { url: "http://page.example/gzip" },
      { url: "http://page.example/br" },
    ]);
    expect(results.map(bodyOf)).toEqual(["packed", "packed"]);
  });

  it("answers an error of the server as what it is: a page with a status", async () => {
    const { web, calls } = await webRig();
    web.names.set("page.example", [[PUBLIC]]);
    web.page("page.example/empty", (_request, response) => void response.writeHead(204).end());
    const [missing, empty] = await calls("web_fetch", [
      { url: "http://page.example/none" },
      { url: "http://page.example/empty" },
    ]);
    expect(missing).toMatchObject({ is_error: false, output: { status: 404, body: "no such page" } });
    expect(empty).toMatchObject({ is_error: false, output: { status: 204, body: "", bytes_read: 0 } });
  });

  it("follows five redirects, and no sixth", async () => {
    const { web, calls } = await webRig();
    for (let hop = 0; hop < 6; hop++) web.page(`page.example/${hop}`, redirect(`/${hop + 1}`));
    web.page("page.example/6", text("there"));
    const [six, five] = await calls("web_fetch", [
      { url: "http://page.example/0" },
      { url: "http://page.example/1" },
    ]);
    expect(six?.output).toEqual({ error: "it redirects more than 5 times", failure_class: "status" });
    expect(five?.output).toMatchObject({ body: "there", redirects: expect.objectContaining({ length: 5 }) });
  });

  it("05-17 asks no name server and no proxy for an address", async () => {
    const { web, calls } = await webRig();
    const [result] = await calls("web_fetch", [{ url: `http://${PUBLIC}/` }]);
    expect(result?.output.status).toBe(404);
    expect(web).toMatchObject({ resolved: [], dialled: [[PUBLIC]] });
  });

  it("03-R5 ends a body that comes too slowly when its time is up", async () => {
    const { web, session, rig } = await webRig();
    web.page("slow.example/", (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("a");
    });
    const run = await fetchIn(session, "http://slow.example/");
    await until("the request to arrive", () => web.requests.length > 0);
    await rig.clock.advance(15_000);
    await session.reaches(run.run_id, "completed");
    const [finished] = await session.events("tool_call_finished");
    expect(finished?.result).toMatchObject({ is_error: true, output: { error: "tool execution timed out" } });
  });

  it("03-R5 ends a name server that does not answer when its time is up", async () => {
    const { web, session, rig } = await webRig();
    web.network.resolve = (host) => {
      web.resolved.push(host);
      return new Promise(() => undefined);
    };
    const run = await fetchIn(session, "http://silent.example/");
    await until("the name to be asked for", () => web.resolved.length > 0);
    await rig.clock.advance(15_000);
    await session.reaches(run.run_id, "completed");
    expect(await session.outputs()).toMatchObject([{ error: "tool execution timed out" }]);
  });
});

function fetchIn(session: Awaited<ReturnType<typeof webRig>>["session"], url: string) {
  return session.play([
    { tool_calls: [{ id: "call-0", name: "web_fetch", input: { url } }] },
    { text: "done" },
  ]);
}

describe("03-A1 --network-allow", () => {
  const fetchAll = async (allow: string[], urls: string[], prepare: (web: FakeWeb) => void = () => {}) => {
    const { web, calls } = await webRig({ allow: networkAllow(allow) });
    prepare(web);
    const results = await calls(
      "web_fetch",
      urls.map((url): JsonObject => ({ url })),
    );
    return results.map(({ output }) => output.failure_class ?? output.status);
  };

  it("lets a name, an address and a range through, and nothing beside", async () => {
    const allow = ["wiki.internal", "localhost", "127.0.0.1", "10.1.0.0/16", "fd00:1::/32", "[::1]"];
    const inside = [
      "http://wiki.internal/",
      "http://localhost:3000/",
      "http://127.0.0.1:3000/",
      "http://127.1/",
      "http://10.1.255.255/",
      "http://[fd00:1::5]/",
      "http://[::1]/",
      "http://in-range.example/",
    ];
    const outside = [
      "http://other.internal/",
      "http://sub.wiki.internal/",
      "http://api.localhost/",
      "http://127.0.0.2/",
      "http://10.2.0.0/",
      "http://[fd00:2::5]/",
      "http://[::ffff:127.0.0.2]/",
      "http://half.example/",
    ];
    const statuses = await fetchAll(allow, [...inside, ...outside], (web) => {
      web.names.set("wiki.internal", [["10.9.9.9"]]);
      web.names.set("localhost", [["127.0.0.1", "::1"]]);
      web.names.set("in-range.example", [["10.1.0.1", PUBLIC]]);
      web.names.set("other.internal", [["10.9.9.9"]]);
      web.names.set("sub.wiki.internal", [["10.9.9.9"]]);
      web.names.set("half.example", [["10.1.0.1", "10.2.0.1"]]);
    });
    expect(statuses).toEqual([...inside.map(() => 404), ...outside.map(() => "blocked_private_network")]);
  });

  it("does not let credentials, schemes or ports through", async () => {
    const urls = ["http://user@wiki.internal/", "ftp://wiki.internal/", "http://wiki.internal:25/"];
    expect(await fetchAll(["wiki.internal"], urls)).toEqual([
      "blocked_credentials",
      "invalid_request",
      "invalid_request",
    ]);
  });

  it("says to whoever is refused who can allow it", async () => {
    const { calls } = await webRig();
    const [result] = await calls("web_fetch", [{ url: "http://127.0.0.1:4000/v1/status" }]);
    expect(result?.output).toEqual({
      error: "127.0.0.1 is not a public host; an operator can allow it with --network-allow",
      failure_class: "blocked_private_network",
    });
  });

  it.each([
    "",
    "a b",
    "http://x/",
    "x/8",
    "10.0.0.0/33",
    "::1/129",
    "10.0.0.0/",
    "fe80::1%eth0",
    "127.1",
    "0x7f.1",
    "x:80",
    "-x",
    "*.x",
    "user@x",
    "/8",
    "10.0.0.0/8/8",
  ])("refuses the entry '%s'", (entry) =>
    expect(() => networkAllow([entry])).toThrow("is neither a host name, an address nor a range"),
  );
});
