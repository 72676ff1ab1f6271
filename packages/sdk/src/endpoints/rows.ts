import type { EndpointId, endpoints } from "@kheish/contract";

/** What the contract's endpoint table says about one endpoint, as types: an endpoint cannot be called wrongly. */
export type Table = typeof endpoints;

/** The row of the table that the SDK keeps at run time; see `scripts/endpoint-tables.ts`. */
export type EndpointRow<E extends EndpointId> = Pick<Table[E], "method" | "path"> &
  (Table[E] extends { kind: infer Kind } ? { kind: Kind } : { kind?: never }) &
  (Table[E] extends { idempotent: true } ? { idempotent: true } : { idempotent?: never });

export interface AnyEndpointRow {
  readonly method: string;
  readonly path: string;
  readonly kind?: "text" | "sse" | "binary";
  readonly idempotent?: true;
}
