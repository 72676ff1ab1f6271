import { problem } from "@kheish/contract";

export interface Selector {
  route_id?: string;
  model: string;
}

/**
 * 02-R32: `<model>` or `<route_id>/<model>`, split at the first slash and only where a known route stands before it.
 * Model names of OpenRouter hold slashes of their own.
 */
export function parseSelector(text: string, isRoute: (id: string) => boolean): Selector {
  const slash = text.indexOf("/");
  const head = text.slice(0, Math.max(0, slash));
  if (slash < 0 || !isRoute(head)) return { model: text };
  const model = text.slice(slash + 1);
  if (model === "") {
    throw problem(
      "runtime",
      "runtime_validation_failed",
      `The selector '${text}' names a route but no model.`,
    );
  }
  return { route_id: head, model };
}
