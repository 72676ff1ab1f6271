import type { EndpointId } from "@kheish/contract";
import type { EventStream } from "../stream/event-stream.ts";
import type { Table } from "./rows.ts";

/** What a schema takes and gives, without naming the library that schemas are written in. */
type InputOf<Schema> = Schema extends { _zod: { input: infer Input } } ? Input : never;
type OutputOf<Schema> = Schema extends { _zod: { output: infer Output } } ? Output : never;

type PathParameter<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `*${infer Several}` ? Several : Name) | PathParameter<Rest>
  : never;

/** The wire knows strings only; a number or a boolean is written as one. */
type Loose<Query> = { [Name in keyof Query]: Query[Name] | number | boolean };

type ParamsOf<E extends EndpointId> = [PathParameter<Table[E]["path"]>] extends [never]
  ? unknown
  : { params: Record<PathParameter<Table[E]["path"]>, string> };
type QueryOf<E extends EndpointId> = Table[E] extends { query: infer Schema }
  ? { query?: Loose<InputOf<Schema>> }
  : unknown;
type BodyOf<E extends EndpointId> = Table[E] extends { body: infer Schema }
  ? Table[E] extends { bodyOptional: true }
    ? { body?: InputOf<Schema> }
    : { body: InputOf<Schema> }
  : unknown;
type KeyOf<E extends EndpointId> = Table[E] extends { idempotent: true } ? Keyed : unknown;

/** A request that may be repeated: the daemon answers the second as the first. */
export interface Keyed {
  /** Default: a new one for each call, kept through its retries. Give your own to repeat a call of another process. */
  idempotencyKey?: string | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** For each attempt, in milliseconds; 0 = none. Default: the client's. */
  timeoutMs?: number | undefined;
  /** Default: the client's. */
  maxRetries?: number | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/** What a call of an endpoint takes. */
export type EndpointInput<E extends EndpointId> = ParamsOf<E> &
  QueryOf<E> &
  BodyOf<E> &
  KeyOf<E> &
  CallOptions;

/** What an endpoint answers with success, as the contract has it; a newer daemon may add fields. */
export type EndpointAnswer<E extends EndpointId> = OutputOf<
  Table[E]["responses"][keyof Table[E]["responses"]]
>;

type Result<E extends EndpointId> = Table[E] extends { kind: "sse" }
  ? EventStream
  : Table[E] extends { kind: "binary" }
    ? Promise<ReadableStream<Uint8Array>>
    : Promise<EndpointAnswer<E>>;

type Call<E extends EndpointId> =
  Record<never, never> extends EndpointInput<E>
    ? (input?: EndpointInput<E>) => Result<E>
    : (input: EndpointInput<E>) => Result<E>;

/** One method for each endpoint of the daemon, named and typed as in the contract. */
export type Api = { readonly [E in EndpointId]: Call<E> };
