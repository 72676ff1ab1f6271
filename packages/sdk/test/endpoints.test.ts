import { type Endpoint, type EndpointId, endpoints } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { table } from "../src/endpoints/table.ts";
import { Kheish } from "../src/index.ts";
import { EventStream } from "../src/stream/event-stream.ts";

const all = Object.entries<Endpoint>(endpoints) as [EndpointId, Endpoint][];
const AWKWARD = "a/b ?#%é";

interface Seen {
  url: string;
  method: string;
  headers: Headers;
  body: unknown;
}

/** A client that talks to nobody, and what it would have said. */
function silentClient(answer: () => Response) {
  const seen: Seen[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { method = "GET", body } = init;
    seen.push({ url: String(url), method, headers: new Headers(init.headers), body });
    return answer();
  };
  return { seen, api: new Kheish({ baseUrl: "http://daemon.test/prefix/", fetch }).api };
}

describe("the contract's endpoint table", () => {
  test("is the SDK's: none is missing, none is another (npm run format writes it)", () => {
    const wanted = all.map(([id, { method, path, kind, idempotent }]) => [
      id,
      {
        method,
        path,
        kind: kind === "json" ? undefined : kind,
        idempotent: idempotent === true || undefined,
      },
    ]);
    const carried = Object.entries<{ method: string; path: string; kind?: string; idempotent?: boolean }>(
      table,
    );
    expect(
      carried.map(([id, { method, path, kind, idempotent }]) => [id, { method, path, kind, idempotent }]),
    ).toEqual(wanted);
  });

  test.each(all)("%s is a method that sends what the table says", async (id, endpoint) => {
    const { api, seen } = silentClient(() => answerFor(endpoint));
    expect(Object.keys(api).sort()).toEqual(Object.keys(endpoints).sort());
    const params = Object.fromEntries(
      [...endpoint.path.matchAll(/\{\*?(\w+)\}/g)].map(([, name = ""]) => [name, AWKWARD]),
    );
    const call = api[id] as (input: object) => unknown;
    const result = call({
      ...(Object.keys(params).length > 0 && { params }),
      // A stream that begins after an event asks nobody where the journal ends.
      ...(endpoint.query !== undefined && { query: { cursor: "1", some: 1, none: undefined } }),
      ...(endpoint.body !== undefined && { body: { given: true } }),
    });
    await consumed(result);

    const [request] = seen;
    expect(seen).toHaveLength(1);
    const segment = encodeURIComponent(AWKWARD);
    // What stands for the rest of a path keeps its slashes.
    const path = endpoint.path
      .replace(/\{\w+\}/g, segment)
      .replace(/\{\*\w+\}/g, segment.replaceAll("%2F", "/"));
    expect(request?.method).toBe(endpoint.method);
    const url = new URL(request?.url ?? "");
    expect(url.origin + url.pathname).toBe(`http://daemon.test/prefix${path}`);
    expect(url.searchParams.get("some")).toBe(endpoint.query === undefined ? null : "1");
    expect(url.searchParams.has("none")).toBe(false);
    expect(request?.body).toBe(endpoint.body === undefined ? undefined : '{"given":true}');
    expect(request?.headers.has("idempotency-key")).toBe(endpoint.idempotent === true);
    expect(request?.headers.get("accept")).toBe(
      endpoint.kind === "sse" ? "text/event-stream" : "application/json",
    );
  });
});

function answerFor({ kind }: Endpoint): Response {
  if (kind !== "sse") return new Response("{}", { headers: { "content-type": "application/json" } });
  const frame = 'id: 7\ndata: {"type":"run_updated","run":{"status":"completed"}}\n\n';
  return new Response(frame, { headers: { "content-type": "text/event-stream" } });
}

async function consumed(result: unknown): Promise<void> {
  if (!(result instanceof EventStream)) return void (await result);
  await result.next();
  result.close();
}
