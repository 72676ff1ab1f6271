import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { sameOriginFetch } from "./same-origin.ts";

async function server(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const configured = sameOriginFetch(globalThis.fetch);

describe("03-A1 what an operator configured", () => {
  it.each([301, 302, 303, 307, 308])("carries no credential to another origin on a %i", async (status) => {
    let reached = 0;
    const other = await server((_request, response) => {
      reached += 1;
      response.end();
    });
    const base = await server(
      (_request, response) => void response.writeHead(status, { location: other }).end(),
    );
    const asking = configured(`${base}/v1`, {
      method: "POST",
      headers: { "x-api-key": "secret" },
      body: "{}",
    });
    await expect(asking).rejects.toMatchObject({ name: "OutboundRefused", failureClass: "status" });
    expect(reached).toBe(0);
  });

  it.each(["text", "request"])(
    "follows a 307 and a 308 on its own origin, with all it was asked with: as %s",
    async (kind) => {
      const seen: string[] = [];
      const base = await server(async (request, response) => {
        seen.push(`${request.method} ${request.url} ${request.headers["x-api-key"]} ${await text(request)}`);
        const next: Record<string, [number, string]> = { "/a": [307, "/b"], "/b": [308, "/c"] };
        const [status, location] = next[request.url ?? ""] ?? [200, ""];
        response.writeHead(status, location === "" ? {} : { location }).end("there");
      });
      const init = { method: "POST", headers: { "x-api-key": "k" }, body: "body" };
      const answer = await (kind === "text"
        ? configured(`${base}/a`, init)
        : configured(new Request(`${base}/a`, init)));
      expect(await answer.text()).toBe("there");
      expect(seen).toEqual(["POST /a k body", "POST /b k body", "POST /c k body"]);
    },
  );

  it("does not turn a POST into a GET, nor go on for ever", async () => {
    const base = await server(
      (request, response) =>
        void response.writeHead(request.url === "/see" ? 303 : 307, { location: "/again" }).end(),
    );
    await expect(configured(`${base}/see`, { method: "POST" })).rejects.toThrow(
      "only a 307 or 308 is followed",
    );
    await expect(configured(`${base}/again`)).rejects.toThrow("more than 5 times");
  });
});
