import type { EndpointId, endpoints } from "@kheish/contract";
import type { z } from "zod";
import type { Grant } from "../governance/access/grant.ts";

/** Who calls. Recorded with every decision and change. */
export interface Principal {
  /** `admin-token`, `read-token`, `token:<name>`, or `anonymous` where nobody is asked. */
  id: string;
  access: "admin" | "read" | "anonymous" | "token";
  /** What a named token may do; the others may do all that their access allows. */
  grant?: Grant;
}

/** Who changes something and with which request, for whatever records it. */
export interface Actor {
  principal: Principal;
  /** As in the answer's `x-request-id` and the daemon's log. */
  requestId: string;
}

type Body<E extends EndpointId> = (typeof endpoints)[E] extends { body: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;
type Query<E extends EndpointId> = (typeof endpoints)[E] extends { query: infer S extends z.ZodType }
  ? z.output<S>
  : Record<string, never>;

export interface BoundRequest<E extends EndpointId = EndpointId> {
  /** Percent-decoded path parameters. */
  params: Record<string, string>;
  query: Query<E>;
  /** Validated by the endpoint's schema. */
  body: Body<E>;
  idempotencyKey?: string;
  lastEventId?: string;
  /** The header as it came; what it names is the binding's to say. */
  ifMatch?: string;
  principal: Principal;
  /** As in the answer's `x-request-id` and the daemon's log. */
  requestId: string;
  /** Aborts when the caller goes away. */
  signal: AbortSignal;
}

/** `data` is sent as one line of JSON. A frame without `id` was never history. */
export interface SseFrame {
  id?: string;
  event: string;
  data: object;
}

export type Reply =
  | { status: number; json: object | null; headers?: Record<string, string> }
  | { status: number; text: string; contentType?: string; headers?: Record<string, string> }
  /** Bytes as they are made; what fails after the first one can only break the answer off. */
  | { status: 200; bytes: AsyncIterable<Uint8Array>; contentType: string; headers?: Record<string, string> }
  /** What is there at one time comes together. */
  | { status: 200; stream: AsyncIterable<readonly SseFrame[]> };

export interface Binding {
  endpoint: EndpointId;
  handle: (request: BoundRequest) => Promise<Reply>;
}

/** Ties an endpoint of the contract to a service; the surface validates before it calls. */
export function bind<E extends EndpointId>(
  endpoint: E,
  handle: (request: BoundRequest<E>) => Promise<Reply>,
): Binding {
  return { endpoint, handle: handle as unknown as Binding["handle"] };
}

export function ok(json: object | null, status = 200): Reply {
  return { status, json };
}

/** A path parameter the route pattern guarantees. */
export function param(request: { params: Record<string, string> }, name: string): string {
  const value = request.params[name];
  if (value === undefined) throw new Error(`route without parameter '${name}'`);
  return value;
}

/** Who asks for a change, as its record should have it (02-W6). */
export function actorOf({ principal, requestId }: Actor): Actor {
  return { principal, requestId };
}

/** Who asked, and under which idempotency key, as the engine wants to know it. */
export function callerOf(request: { principal: Principal; idempotencyKey?: string }): {
  principal: string;
  headerKey?: string;
} {
  return {
    principal: request.principal.id,
    ...(request.idempotencyKey === undefined ? {} : { headerKey: request.idempotencyKey }),
  };
}

/** Who asked for a change, as the audit wants to know it. */
export function changerOf({ principal, requestId }: Actor): { principal: string; request_id: string } {
  return { principal: principal.id, request_id: requestId };
}
