import type { Json } from "@kheish/contract";
import type { ExternalAction } from "../../engine/audit-port.ts";

/** What the records of one commit may have in common. */
export const SCOPE = [
  "session_id",
  "agent_id",
  "run_id",
  "principal_id",
  "parent_principal_id",
  "grant_id",
] as const;
export type ActionScope = Partial<Record<(typeof SCOPE)[number], string>>;

export interface StoredAction extends Omit<ExternalAction, keyof ActionScope | "begins" | "withdraws"> {
  hash: string;
}

export interface StoredActions {
  /** The number of the first record in its bucket, counted from 1. */
  first: number;
  scope: ActionScope;
  records: StoredAction[];
}

const HEX_DIGEST = /^[0-9a-f]{64}$/;
/** Before what is no such digest. */
const VERBATIM = "=";

/** Absent members are null; the hash is the eighth. */
type Row = [
  phase: StoredAction["phase"],
  kind: string,
  target: string,
  toolCallId: string | null,
  request: string | null,
  response: string | null,
  outcome: string | null,
  hash: string,
  detail?: NonNullable<StoredAction["detail"]>,
];
interface Rows {
  first: number;
  scope: readonly (string | null)[];
  rows: readonly Row[];
}

/**
 * What is written of a commit's records: rows without the names of their members, digests in base64url. A run writes two
 * of them a step; names and hexadecimal digits were half of what the ledger took.
 */
export function rowsOf({ first, scope, records }: StoredActions): Json {
  const scoped = SCOPE.map((name) => scope[name] ?? null);
  const last = scoped.findLastIndex((text) => text !== null);
  const rows: Rows = { first, scope: scoped.slice(0, last + 1), rows: records.map(row) };
  return rows as unknown as Json;
}

/** The writer was `rowsOf`, or a daemon from before it, which named every member. */
export function actionsIn(data: Json): StoredActions {
  const stored = data as unknown as Rows | StoredActions;
  if ("records" in stored) return stored;
  const scope: ActionScope = {};
  for (const [index, name] of SCOPE.entries()) {
    const text = stored.scope[index];
    if (text != null) scope[name] = text;
  }
  return { first: stored.first, scope, records: stored.rows.map(action) };
}

/** How many records there are and what the last one's hash is, without the rest of them. */
export function endOf(data: Json): { count: number; hash: string } {
  const stored = data as unknown as Rows | StoredActions;
  if ("records" in stored)
    return { count: stored.first + stored.records.length - 1, hash: stored.records.at(-1)?.hash ?? "" };
  const hash = stored.rows.at(-1)?.[7];
  return { count: stored.first + stored.rows.length - 1, hash: hash === undefined ? "" : long(hash) };
}

function row(action: StoredAction): Row {
  const { phase, kind, target, tool_call_id, request_digest, response_digest, outcome, hash, detail } =
    action;
  const texts: Row = [
    phase,
    kind,
    target,
    tool_call_id ?? null,
    request_digest === undefined ? null : short(request_digest),
    response_digest === undefined ? null : short(response_digest),
    outcome ?? null,
    short(hash),
  ];
  if (detail !== undefined) texts.push(detail);
  return texts;
}

function action([phase, kind, target, call, request, response, outcome, hash, detail]: Row): StoredAction {
  return {
    phase,
    kind,
    target,
    ...(call == null ? {} : { tool_call_id: call }),
    ...(request == null ? {} : { request_digest: long(request) }),
    ...(response == null ? {} : { response_digest: long(response) }),
    ...(outcome == null ? {} : { outcome }),
    hash: long(hash),
    ...(detail === undefined ? {} : { detail }),
  };
}

function short(digest: string): string {
  return HEX_DIGEST.test(digest) ? Buffer.from(digest, "hex").toString("base64url") : VERBATIM + digest;
}

function long(digest: string): string {
  if (digest.startsWith(VERBATIM)) return digest.slice(VERBATIM.length);
  return Buffer.from(digest, "base64url").toString("hex");
}
