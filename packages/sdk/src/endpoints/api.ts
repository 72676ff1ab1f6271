import type { EndpointId } from "@kheish/contract";
import { KheishProtocolError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { EventStream } from "../stream/event-stream.ts";
import type { WireRequest } from "../transport/open.ts";
import type { Repeatability } from "../transport/retry.ts";
import { type SendOptions, send, sendForBody } from "../transport/send.ts";
import type { AnyEndpointRow } from "./rows.ts";
import { table } from "./table.ts";
import type { Api, CallOptions, Keyed } from "./types.ts";
import { pathOf, queryOf } from "./url.ts";

/** An endpoint's input, seen without its types. */
interface AnyInput extends CallOptions, Keyed {
  params?: Readonly<Record<string, string>>;
  query?: object;
  body?: { idempotency_key?: string };
}

/** These answer when the run settles or waits, and not before: their time is not the client's to limit. */
const PATIENT: ReadonlySet<string> = new Set<EndpointId>([
  "sessionInput",
  "resolveSessionApprovals",
  "answerSessionQuestion",
]);

/** Changes nothing the second time, says the contract, and takes no key. */
const HAPPENS_ONCE: ReadonlySet<string> = new Set<EndpointId>(["cancelRun"]);

/** The whole endpoint table as methods. */
export function createApi(settings: Settings): Api {
  const methods = Object.entries(table).map(([id, row]) => [
    id,
    (input: AnyInput = {}) => callEndpoint(settings, id, row, input),
  ]);
  return Object.freeze(Object.fromEntries(methods)) as Api;
}

function callEndpoint(settings: Settings, id: string, row: AnyEndpointRow, input: AnyInput): unknown {
  if (row.kind === "sse") return openStream(settings, row, input);
  if (row.kind === "binary") return download(settings, id, row, input);
  return call(settings, id, row, input);
}

async function call(settings: Settings, id: string, row: AnyEndpointRow, input: AnyInput): Promise<unknown> {
  const answer = await send(settings, requestOf(settings, row, input), optionsOf(id, row, input));
  if (row.kind === "text") return answer.text;
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new KheishProtocolError(`the answer to ${row.method} ${row.path} is not JSON`);
  }
}

async function download(settings: Settings, id: string, row: AnyEndpointRow, input: AnyInput) {
  const response = await sendForBody(settings, requestOf(settings, row, input), optionsOf(id, row, input));
  if (response.body === null)
    throw new KheishProtocolError(`the answer to ${row.method} ${row.path} is empty`);
  return response.body;
}

/** The stream as the daemon gives it to such a query; the resources' `stream` methods choose the query. */
function openStream(settings: Settings, row: AnyEndpointRow, { params, query, signal, headers }: AnyInput) {
  return new EventStream({ settings, path: pathOf(row.path, params), query: query ?? {}, signal, headers });
}

function requestOf(settings: Settings, row: AnyEndpointRow, input: AnyInput): WireRequest {
  return {
    method: row.method,
    path: pathOf(row.path, input.params) + queryOf(input.query),
    headers: { ...keyHeader(settings, row, input), ...input.headers },
    body: input.body,
  };
}

/** A key in the body is the caller's own and stands alone. */
function keyHeader(settings: Settings, row: AnyEndpointRow, input: AnyInput): Record<string, string> {
  const { body, idempotencyKey } = input;
  const isInBody = idempotencyKey === undefined && body?.idempotency_key !== undefined;
  if (row.idempotent !== true || isInBody) return {};
  return { "idempotency-key": idempotencyKey ?? `sdk-${settings.machine.uniqueName()}` };
}

function optionsOf(id: string, row: AnyEndpointRow, input: AnyInput): SendOptions {
  const repeatable = row.method === "GET" || row.idempotent === true || HAPPENS_ONCE.has(id);
  const repeatability: Repeatability = repeatable ? "repeatable" : "once";
  return {
    repeatability,
    signal: input.signal,
    timeoutMs: input.timeoutMs ?? (PATIENT.has(id) ? 0 : undefined),
    maxRetries: input.maxRetries,
  };
}
