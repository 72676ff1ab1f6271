import type { EndpointId, endpoints } from "@kheish/contract";
import type { z } from "zod";

/** What the endpoint table says about one endpoint, as types: the client cannot be called wrongly. */
type Table = typeof endpoints;

/** The row of the table that the command line keeps at run time; see `scripts/endpoint-tables.ts`. */
export type EndpointRow<E extends EndpointId> = Pick<Table[E], "method" | "path"> &
  (Table[E] extends { kind: infer Kind } ? { kind: Kind } : { kind?: never }) & {
    members?: string;
  };

export interface AnyEndpointRow {
  readonly method: string;
  readonly path: string;
  readonly kind?: "text" | "sse" | "binary";
  /** What an answer always has, by names with a space between. */
  readonly members?: string;
}

export type StreamEndpointId = {
  [E in EndpointId]: Table[E] extends { kind: "sse" } ? E : never;
}[EndpointId];
type DownloadEndpointId = {
  [E in EndpointId]: Table[E] extends { kind: "binary" } ? E : never;
}[EndpointId];
export type CallEndpointId = Exclude<EndpointId, StreamEndpointId | DownloadEndpointId>;

type PathParameter<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParameter<Rest>
  : never;
type Sent<Schema> = Schema extends z.ZodType ? z.input<Schema> : never;

type Params<E extends EndpointId> = [PathParameter<Table[E]["path"]>] extends [never]
  ? { params?: undefined }
  : { params: Record<PathParameter<Table[E]["path"]>, string> };
type Query<E extends EndpointId> = Table[E] extends { query: infer Schema }
  ? { query?: Sent<Schema> }
  : object;
type Body<E extends EndpointId> = Table[E] extends { bodyOptional: true; body: infer Schema }
  ? { body?: Sent<Schema> }
  : Table[E] extends { body: infer Schema }
    ? { body: Sent<Schema> }
    : object;

export interface CallOptions {
  headers?: Readonly<Record<string, string>>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

export type CallInput<E extends EndpointId> = Params<E> & Query<E> & Body<E> & CallOptions;
export type StreamInput<E extends StreamEndpointId> = Params<E> & Query<E>;

/**
 * The answer as it stands on the wire: checked for what is always there, and not stripped,
 * so that what a newer daemon adds reaches the user too.
 */
export type ResponseOf<E extends CallEndpointId> = z.output<Answers<E>[keyof Answers<E>]>;
type Answers<E extends CallEndpointId> = Table[E]["responses"];
