import type { JsonObject } from "@kheish/contract";

/** What a daemon answered: its status and its body, of the shape the test expects. */
export interface Answer<T = JsonObject> {
  status: number;
  body: T;
}

/** One request to a daemon, JSON there and back. */
export async function ask<T = JsonObject>(
  { baseUrl }: { readonly baseUrl: string },
  method: string,
  path: string,
  body?: object,
): Promise<Answer<T>> {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: response.status, body: (await response.json()) as T };
}
