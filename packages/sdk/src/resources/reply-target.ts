import type { Json, ReplyTargetInput } from "@kheish/contract";

/** Where answers go (05-R94). */
export const ReplyTarget = {
  /** An address in a plugin's own form. */
  raw: (plugin: string, address: Json): ReplyTargetInput => ({ type: "raw", plugin, address }),
  /** An address of an external connector. */
  external: (plugin: string, address: Json): ReplyTargetInput => ({ type: "external", plugin, address }),
  /** A request to this URL with each answer. */
  http: (url: string, options: { headers?: Readonly<Record<string, string>> } = {}): ReplyTargetInput => ({
    type: "http",
    url,
    ...options,
  }),
};
