import type { Json } from "@kheish/contract";
import type { ModelDelta, ModelPort } from "../../engine/ports.ts";
import type { Redactor, TextStream } from "./redactor.ts";

/**
 * Models whose answers hold no secret of the daemon: a provider that hands back the key it was asked with must not bring
 * it into the journal, to whoever watches, or into the next prompt (02-R93).
 */
export function redactedModels<M extends ModelPort>(models: M, redactor: Redactor): M {
  return {
    ...models,
    async call(request, options) {
      const { onDelta } = options;
      const watched = onDelta === undefined ? undefined : new CleanDeltas(onDelta, redactor);
      const outcome = await models
        .call(
          request,
          watched === undefined ? options : { ...options, onDelta: (delta) => watched.take(delta) },
        )
        .finally(() => watched?.end());
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

/** What is shown while it is said: a provider may say a secret in pieces. */
class CleanDeltas {
  readonly #show: (delta: ModelDelta) => void;
  readonly #redactor: Redactor;
  readonly #parts = new Map<ModelDelta["part"], TextStream>();

  constructor(show: (delta: ModelDelta) => void, redactor: Redactor) {
    this.#show = show;
    this.#redactor = redactor;
  }

  take({ part, text }: ModelDelta): void {
    const stream = this.#parts.get(part) ?? this.#redactor.stream();
    this.#parts.set(part, stream);
    this.#tell(part, stream.take(text));
  }

  end(): void {
    for (const [part, stream] of this.#parts) this.#tell(part, stream.end());
  }

  #tell(part: ModelDelta["part"], text: string): void {
    if (text !== "") this.#show({ part, text });
  }
}
