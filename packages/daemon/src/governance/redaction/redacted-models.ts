import type { Json } from "@kheish/contract";
import type { ModelPort } from "../../engine/ports.ts";
import type { Redactor } from "./redactor.ts";

/**
 * Models whose answers hold no secret of the daemon: a provider that hands back the key it was asked with must not bring
 * it into the journal, to whoever watches, or into the next prompt (02-R93).
 */
export function redactedModels<M extends ModelPort>(models: M, redactor: Redactor): M {
  return {
    ...models,
    async call(request, options) {
      const { onDelta } = options;
      const outcome = await models.call(
        request,
        onDelta === undefined
          ? options
          : { ...options, onDelta: (delta) => onDelta({ ...delta, text: redactor.text(delta.text) }) },
      );
      if (!outcome.ok) return outcome;
      const { message, sources } = outcome;
      const cleaned = redactor.json(message as unknown as Json) as unknown as typeof message;
      const found = redactor.json((sources ?? []) as unknown as Json) as unknown as NonNullable<
        typeof sources
      >;
      if (sources !== undefined) return { ok: true, message: cleaned, sources: found };
      return cleaned === message ? outcome : { ok: true, message: cleaned };
    },
  };
}
