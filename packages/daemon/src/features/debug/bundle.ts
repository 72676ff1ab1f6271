import type { Json, RunDebugArtifact } from "@kheish/contract";
import type { Sealed } from "../../governance/secrets/index.ts";
import type { Op, Store } from "../../kernel/store.ts";
import type { DebugPolicy } from "./policy.ts";

export const BUNDLE = "debug_bundle";
export const BODY = "debug_body";
export const TOTAL = "debug_total";
const ALL = "all";

/** The evidence of one run: what there is of it, oldest first. The bodies are records of their own. */
export interface Bundle {
  run_id: string;
  session_id: string;
  level: "redacted" | "full";
  /** Of all bodies, as they are kept. */
  bytes: number;
  updated_at_ms: number;
  artifacts: RunDebugArtifact[];
  /** Artifacts that gave way to newer ones. */
  dropped: number;
}

export type Body = { text: string } | { sealed: Sealed };

export interface KeptBundle {
  revision: number;
  data: Bundle;
}

export async function readBundle(store: Store, runId: string): Promise<KeptBundle | undefined> {
  const stored = await store.get(BUNDLE, runId);
  return stored && { revision: stored.revision, data: stored.data as unknown as Bundle };
}

export async function readBody(store: Store, runId: string, artifactId: string): Promise<Body | undefined> {
  return (await store.get(BODY, bodyId(runId, artifactId)))?.data as unknown as Body | undefined;
}

export async function totalBytes(store: Store): Promise<number> {
  return ((await store.get(TOTAL, ALL))?.data as { bytes: number } | undefined)?.bytes ?? 0;
}

/** With one more artifact; the oldest give way to it where there is no room for all (01-R102). */
export function withArtifact(
  bundle: Bundle,
  added: RunDebugArtifact,
  policy: Pick<DebugPolicy, "maxRunBytes" | "maxArtifactsPerRun">,
): { bundle: Bundle; gone: RunDebugArtifact[] } {
  const artifacts = [...bundle.artifacts, added];
  let bytes = bundle.bytes + added.bytes;
  let first = 0;
  const isTooMuch = () => artifacts.length - first > policy.maxArtifactsPerRun || bytes > policy.maxRunBytes;
  while (first < artifacts.length - 1 && isTooMuch()) {
    bytes -= artifacts[first]?.bytes ?? 0;
    first += 1;
  }
  return {
    bundle: {
      ...bundle,
      bytes,
      updated_at_ms: added.updated_at_ms,
      artifacts: artifacts.slice(first),
      dropped: bundle.dropped + first,
    },
    gone: artifacts.slice(0, first),
  };
}

/** What is written for one more artifact. */
export function addOps(
  before: KeptBundle | undefined,
  { bundle, gone }: ReturnType<typeof withArtifact>,
  artifactId: string,
  body: Body,
): Op[] {
  const { run_id, session_id, updated_at_ms } = bundle;
  return [
    {
      op: "put",
      kind: BUNDLE,
      id: run_id,
      data: bundle as unknown as Json,
      keys: { id: [run_id], session: [session_id, run_id], age: [updated_at_ms, run_id] },
      expectedRevision: before?.revision ?? 0,
    },
    {
      op: "put",
      kind: BODY,
      id: bodyId(run_id, artifactId),
      data: body as unknown as Json,
      keys: {},
    },
    ...gone.map((one): Op => ({ op: "delete", kind: BODY, id: bodyId(run_id, one.artifact_id) })),
    addToTotal(bundle.bytes - (before?.data.bytes ?? 0)),
  ];
}

/** All of it, unless somebody added to it meanwhile. */
export function deleteOps({ revision, data }: KeptBundle): Op[] {
  return [
    { op: "delete", kind: BUNDLE, id: data.run_id, expectedRevision: revision },
    ...data.artifacts.map(
      (one): Op => ({ op: "delete", kind: BODY, id: bodyId(data.run_id, one.artifact_id) }),
    ),
    addToTotal(-data.bytes),
  ];
}

function addToTotal(bytes: number): Op {
  return { op: "add", kind: TOTAL, id: ALL, amounts: { bytes }, keys: {} };
}

function bodyId(runId: string, artifactId: string): string {
  return `${runId}/${artifactId}`;
}
