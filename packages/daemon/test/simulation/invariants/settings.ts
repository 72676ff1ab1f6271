import { isDeepStrictEqual } from "node:util";
import type { Json } from "@kheish/contract";
import type { Op, Store } from "../../../src/kernel/store.ts";
import type { CheckName } from "./check.ts";
import type { Facts } from "./facts.ts";

type Violate = (check: CheckName, detail: string) => void;

interface Written {
  revision: number;
  reason?: string;
}

/** A landed change is the one revision that follows, and its commit keeps the one before it. */
export function watchSettings(facts: Facts, ops: readonly Op[], violate: Violate): void {
  const { revisions } = facts.settings;
  for (const op of ops) {
    if (op.op !== "put" || op.kind !== "runtime_settings") continue;
    const before = revisions.at(-1);
    const { revision } = op.data as unknown as Written;
    if (revision !== revisions.length + 1) {
      violate("settings", `revision ${revision} is written when there are ${revisions.length}`);
    }
    const past = ops.find((other) => other.op === "put" && other.kind === "runtime_revision");
    const kept = past?.op === "put" ? asStored(past.data) : undefined;
    if (before !== undefined && !isDeepStrictEqual(kept, before)) {
      violate("settings", `revision ${revision} does not keep the one before it`);
    }
    revisions.push(asStored(op.data));
  }
}

/** What was acknowledged is there, made from the revision that its caller knew, and made once. */
export async function checkSettings(facts: Facts, store: Store, violate: Violate): Promise<void> {
  const { revisions, acknowledged } = facts.settings;
  const stored = await store.get("runtime_settings", "current");
  if ((stored?.revision ?? 0) !== revisions.length || !isDeepStrictEqual(stored?.data, revisions.at(-1))) {
    violate("settings", `revision ${stored?.revision} is stored, ${revisions.length} were written`);
  }
  for (const { id, known, revision } of acknowledged) {
    const made = revisions.map(writtenIn).filter(({ reason }) => reason === id);
    if (made.length !== 1 || made[0]?.revision !== revision || revision !== known + 1) {
      const where = made.map((one) => one.revision).join(" and ") || "nowhere";
      violate("settings", `${id} was acknowledged as revision ${revision} after ${known} and is ${where}`);
    }
  }
}

function writtenIn(revision: Json): Written {
  return revision as unknown as Written;
}

export function asStored(data: Json): Json {
  return JSON.parse(JSON.stringify(data)) as Json;
}
