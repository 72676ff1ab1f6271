import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { guardedFetch } from "./guarded-fetch.ts";
import { OutboundRefused } from "./refused.ts";
import { replyHeaders } from "./reply-headers.ts";
import { checkTarget } from "./target.ts";

async function server(listener: RequestListener): Promise<number> {
  const listening = createServer(listener);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return (listening.address() as AddressInfo).port;
}
const never = async () => Promise.reject(new Error("nothing is resolved here"));
const refusal = (failureClass: string) => expect.objectContaining({ name: "OutboundRefused", failureClass });
const classOf = (url: string, policy = {}) => {
  try {
    return checkTarget(url, policy).host;
  } catch (error) {
    return error instanceof OutboundRefused ? error.failureClass : error;
  }
};

describe("02-R92 URLs", () => {
  it.each([
    ["https://example.com/a?b#c", "example.com"],
    ["http://example.com.:8080/", "example.com"],
    ["http://8.8.8.8/", "8.8.8.8"],
    ["http://[2606:4700:4700::1111]/", "2606:4700:4700::1111"],
    ["http://localhost.example.com/", "localhost.example.com"],
    ["http://user@example.com/", "blocked_credentials"],
    ["http://:secret@example.com/", "blocked_credentials"],
    ["http://user:secret@127.0.0.1/", "blocked_credentials"],
    ["http://localhost/", "blocked_private_network"],
    ["http://LOCALHOST:80/", "blocked_private_network"],
    ["http://localhost./", "blocked_private_network"],
    ["http://api.localhost/", "blocked_private_network"],
    ["http://127.0.0.1/", "blocked_private_network"],
    ["http://127.1/", "blocked_private_network"],
    ["http://2130706433/", "blocked_private_network"],
    ["http://0x7f000001/", "blocked_private_network"],
    ["http://0177.0.0.1/", "blocked_private_network"],
    ["http://0/", "blocked_private_network"],
    ["http://127.0.0.1./", "blocked_private_network"],
    ["http://①②⑦.0.0.1/", "blocked_private_network"],
    ["http://[::1]/", "blocked_private_network"],
    ["http://[::ffff:127.0.0.1]/", "blocked_private_network"],
    ["http://[::ffff:7f00:1]/", "blocked_private_network"],
    ["http://169.254.169.254/latest/meta-data/", "blocked_private_network"],
    ["ftp://example.com/", "invalid_request"],
    ["file:///etc/passwd", "invalid_request"],
    ["data:text/plain,x", "invalid_request"],
    ["//example.com/", "invalid_request"],
    ["/path", "invalid_request"],
    ["", "invalid_request"],
  ])("%s: %s", (url, expected) => {
    expect(classOf(url)).toBe(expected);
  });

  it("may name this machine where that is allowed, and hold credentials nowhere", () => {
    const policy = { allowPrivateNetwork: true };
    expect(classOf("http://localhost:3000/", policy)).toBe("localhost");
    expect(classOf("http://10.0.0.1/", policy)).toBe("10.0.0.1");
    expect(classOf("http://user@10.0.0.1/", policy)).toBe("blocked_credentials");
  });

  it("are not quoted with their secrets", async () => {
    const fetching = guardedFetch({ resolve: never }, "http://user:hunter2@example.com/?key=hunter2");
    await expect(fetching).rejects.not.toThrow(/hunter2/);
  });
});

describe("02-R92 guardedFetch", () => {
  const inside = { allowPrivateNetwork: true };

  it("goes to the address that was checked, whatever the name would say by then", async () => {
    const seen: IncomingMessage["headers"][] = [];
    const port = await server((request, response) => {
      seen.push(request.headers);
      response.end("hello");
    });
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return ["127.0.0.1"];
    };
    // No resolver of this world knows the name: only the pinned address can have been used.
    const url = `http://service.invalid:${port}/path`;
    expect(await (await guardedFetch({ resolve }, url, inside)).text()).toBe("hello");
    expect(asked).toEqual(["service.invalid"]);
    expect(seen[0]?.host).toBe(`service.invalid:${port}`);
  });

  it.each([[["10.0.0.1"]], [["8.8.8.8", "10.0.0.1"]], [["2606:4700::1", "::ffff:169.254.169.254"]]])(
    "connects nowhere when a name has an address that is not public: %j",
    async (addresses) => {
      const fetching = guardedFetch({ resolve: async () => addresses }, "http://rebound.example/");
      await expect(fetching).rejects.toEqual(refusal("blocked_private_network"));
    },
  );

  it("connects nowhere when a name has no address", async () => {
    const fetching = guardedFetch({ resolve: async () => [] }, "http://nobody.example/");
    await expect(fetching).rejects.toEqual(refusal("invalid_request"));
  });

  it("resolves nothing for an address, and does not reach this machine by one", async () => {
    let reached = false;
    const port = await server((_request, response) => {
      reached = true;
      response.end();
    });
    const fetching = guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`);
    await expect(fetching).rejects.toEqual(refusal("blocked_private_network"));
    expect(reached).toBe(false);
    expect((await guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`, inside)).status).toBe(200);
  });

  it.each([301, 302, 303, 307, 308])("refuses to follow a %i", async (status) => {
    let asked = 0;
    const port = await server((_request, response) => {
      asked += 1;
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    const fetching = guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`, inside);
    await expect(fetching).rejects.toEqual(refusal("status"));
    expect(asked).toBe(1);
  });

  it("sends and answers what fetch would", async () => {
    const port = await server(async (request, response) => {
      response.writeHead(404, { "x-method": request.method, "set-cookie": ["a=1", "b=2"] });
      response.end(`${request.headers["x-mine"]} ${await text(request)}`);
    });
    const request = { method: "POST", headers: { "x-mine": "yes" }, body: "body", ...inside };
    const answer = await guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`, request);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("x-method")).toBe("POST");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await answer.text()).toBe("yes body");
  });

  it.each([204, 304])("answers a %i without a body", async (status) => {
    const port = await server((_request, response) => void response.writeHead(status).end());
    const answer = await guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`, inside);
    expect({ status: answer.status, body: answer.body }).toEqual({ status, body: null });
  });

  it("ends when it is told to, before the answer and in the middle of it", async () => {
    const port = await server((request, response) => {
      if (request.url === "/half") response.write("half");
    });
    const controller = new AbortController();
    const silent = guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/`, {
      signal: controller.signal,
      ...inside,
    });
    const half = await guardedFetch({ resolve: never }, `http://127.0.0.1:${port}/half`, {
      signal: controller.signal,
      ...inside,
    });
    controller.abort();
    await expect(silent).rejects.toMatchObject({ name: "AbortError" });
    await expect(half.text()).rejects.toThrow();
  });
});

describe("02-R92 headers of a reply target", () => {
  it("say nothing that is the daemon's to say", () => {
    const given = {
      "X-Team": "a",
      "content-type": "application/json",
      Authorization: "Bearer x",
      cookie: "a=1",
      HOST: "internal",
      "X-Forwarded-For": "10.0.0.1",
      "x-forwarded-anything": "1",
      "Proxy-Authorization": "x",
      "transfer-encoding": "chunked",
      "content-length": "7",
    };
    expect(replyHeaders(given)).toEqual({ "x-team": "a", "content-type": "application/json" });
  });
});
