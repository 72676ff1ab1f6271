import {
  type Json,
  type JsonObject,
  problem,
  type ReplyHandle,
  type ReplyTargetInput,
} from "@kheish/contract";

/** Normalises handles and the structured variants `raw`, `external`, `telegram`, `slack`, `http` to handles. */
export function normalizeReplyTargets(targets: readonly ReplyTargetInput[]): ReplyHandle[] {
  return targets.map((target, index) => normalize(target, `/reply_targets/${index}`));
}

function normalize(target: ReplyTargetInput, path: string): ReplyHandle {
  if (!("type" in target)) return target;
  const { type, ...rest } = target as { type: string } & JsonObject;
  if (type !== "raw" && type !== "external") return { plugin: type, address: rest };
  const { plugin, address } = rest;
  if (typeof plugin !== "string" || plugin === "" || address === undefined) {
    throw problem("runs", "input_item_invalid", `${path}: a ${type} target needs plugin and address`);
  }
  return { plugin, address: address as Json };
}
