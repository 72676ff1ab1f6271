import { type Endpoint, problem } from "@kheish/contract";
import { jsonPointer } from "./json-pointer.ts";
import { validateQuery } from "./validation.ts";

/** The validated query of a request; parameters the endpoint does not know are ignored. */
export function readQuery(endpoint: Endpoint, query: string): unknown {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (values.has(name)) throw repeated(name);
    values.set(name, value);
  }
  return endpoint.query === undefined ? {} : validateQuery(endpoint.query, Object.fromEntries(values));
}

function repeated(name: string) {
  const message = "given more than once";
  return problem("api", "request_query_invalid", `the query is not valid: a parameter is ${message}`, {
    errors: [{ path: jsonPointer([name]), message }],
  });
}
