import { Agent, request } from "node:http";

/** `node:http` and not `fetch`: the load shares its cores with what it measures, so it has to be light. */
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

export function call(method: string, url: string, body?: unknown): Promise<string> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent, headers: headersOf(payload) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(text);
        else reject(new Error(`${method} ${url}: ${status} ${text.slice(0, 300)}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

function headersOf(payload: string | undefined): Record<string, string | number> {
  const accept = "application/json";
  if (payload === undefined) return { accept };
  return { accept, "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
}

export async function getJson<T>(url: string): Promise<T> {
  return JSON.parse(await call("GET", url)) as T;
}

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  return JSON.parse(await call("POST", url, body)) as T;
}
