import type { LanguageModelV4Prompt, SharedV4Warning } from "@ai-sdk/provider";
import { type AssistantMessage, toolCallsOf } from "../../engine/messages.ts";
import type { ModelCallOptions, ModelRequest } from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { AttemptOutcome, Driver } from "../driver.ts";
import { cancelled, failure } from "../failure.ts";
import { capabilitiesOf, limitsOf } from "../routes/model-facts.ts";
import type { Route } from "../routes/route.ts";
import type { Secret } from "../routes/secret.ts";
import { assemble } from "./assemble.ts";
import { Deadline } from "./deadline.ts";
import { classify } from "./errors.ts";
import { isText, loadFiles } from "./files.ts";
import { toPrompt } from "./prompt.ts";
import type { Fetch, OpenModel } from "./provider.ts";
import type { Quirks } from "./quirks.ts";
import { refusalOf } from "./refusals.ts";
import { toSettings } from "./settings.ts";
import { watchedFetch } from "./watched-fetch.ts";

/** What a provider's SDK had to say about a request; for the log. */
export interface ModelWarning {
  route_id: string;
  model: string;
  message: string;
}

export interface DriverPorts {
  clock: Clock;
  /** Every request to a provider goes through it. */
  fetch: Fetch;
  blobs: Blobs;
  onWarning?: (warning: ModelWarning) => void;
}

/** Asks a provider through its SDK, one attempt at a time. The SDK neither retries nor runs tools. */
export class ProviderDriver implements Driver {
  readonly #route: Route;
  readonly #openModel: OpenModel;
  readonly #quirks: Quirks;
  readonly #ports: DriverPorts;

  constructor(route: Route, openModel: OpenModel, quirks: Quirks, ports: DriverPorts) {
    this.#route = route;
    this.#openModel = openModel;
    this.#quirks = quirks;
    this.#ports = ports;
  }

  async attempt(request: ModelRequest, options: ModelCallOptions): Promise<AttemptOutcome> {
    const refusal = refusalOf(this.#route, request);
    if (refusal !== undefined) return failure("invalid_request", refusal);

    const deadline = new Deadline(this.#ports.clock, this.#route, options.signal);
    try {
      return { ok: true, message: await this.#ask(request, options, deadline) };
    } catch (error) {
      if (options.signal.aborted) return cancelled();
      if (deadline.expired !== undefined) return failure("transport", deadline.expired);
      const { driver } = this.#route;
      return {
        ok: false,
        error: classify(error, { driver, secret: this.#secret(), nowMs: this.#ports.clock.now() }),
      };
    } finally {
      deadline.close();
    }
  }

  async #ask(
    request: ModelRequest,
    { onDelta }: ModelCallOptions,
    deadline: Deadline,
  ): Promise<Omit<AssistantMessage, "id">> {
    const fetch = watchedFetch(this.#ports.fetch, () => deadline.touch());
    const model = this.#openModel(this.#route, this.#secret(), request.model, fetch);
    const { stream } = await model.doStream({
      prompt: await this.#prompt(request),
      ...toSettings(request, this.#quirks, limitsOf(this.#route, request.model)),
      abortSignal: deadline.signal,
    });
    const answer = await assemble(stream, {
      onDelta,
      onWarnings: (warnings) => this.#warn(request.model, warnings),
      takenIds: callIdsIn(request),
      idSuffix: `-${request.turn}`,
      namesItsEnd: this.#quirks.namesItsEnd,
    });
    return { role: "assistant", route_id: this.#route.route_id, model: request.model, ...answer };
  }

  async #prompt(request: ModelRequest): Promise<LanguageModelV4Prompt> {
    const { route_id } = this.#route;
    const capabilities = capabilitiesOf(this.#route, request.model);
    const { media, namespace, cacheMark, plainCallIds } = this.#quirks;
    const files = await loadFiles(
      request.messages,
      this.#ports.blobs,
      (type) => isText(type) || (capabilities.multimodal_input && media.test(type)),
    );
    const target = { route_id, model: request.model, files, plainCallIds };
    const prompt = toPrompt(request.system, request.messages, target);
    if (cacheMark === undefined) return prompt;
    return prompt.map((message, index) =>
      message.role === "system" || index === prompt.length - 1
        ? { ...message, providerOptions: { [namespace]: cacheMark } }
        : message,
    );
  }

  #secret(): Secret | undefined {
    const { credential } = this.#route;
    return credential.kind === "key" ? credential.secret : undefined;
  }

  #warn(model: string, warnings: readonly SharedV4Warning[]): void {
    for (const warning of warnings) {
      const message = describe(warning);
      this.#ports.onWarning?.({ route_id: this.#route.route_id, model, message });
    }
  }
}

function describe(warning: SharedV4Warning): string {
  if (warning.type === "other") return warning.message;
  if (warning.type === "deprecated") return `${warning.setting}: ${warning.message}`;
  return [`${warning.feature} (${warning.type})`, warning.details].filter(Boolean).join(": ");
}

function callIdsIn({ messages }: ModelRequest): Set<string> {
  return new Set(
    messages.flatMap((message) =>
      message.role === "assistant" ? toolCallsOf(message).map(({ id }) => id) : [],
    ),
  );
}
