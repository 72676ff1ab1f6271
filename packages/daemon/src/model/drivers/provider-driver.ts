import type { LanguageModelV4Prompt, SharedV4Warning } from "@ai-sdk/provider";
import { type AssistantMessage, toolCallsOf } from "../../engine/messages.ts";
import type { ModelCallOptions, ModelRequest } from "../../engine/ports.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import {
  type CredentialAnswer,
  type CredentialPort,
  type LeasedCredential,
  NO_CREDENTIALS,
} from "../credential-port.ts";
import type { AttemptOptions, AttemptOutcome, Driver } from "../driver.ts";
import { cancelled, failure } from "../failure.ts";
import { factsOf } from "../routes/drivers.ts";
import { capabilitiesOf, limitsOf } from "../routes/model-facts.ts";
import type { Route } from "../routes/route.ts";
import type { Secret } from "../routes/secret.ts";
import { witnessedFetch } from "../witnessed.ts";
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
  /** Where routes with an `auth_ref` get their credentials; absent: there are no slots. */
  credentials?: CredentialPort;
  /** Takes every secret of the daemon out of what a provider or its SDK wrote; absent: only the call's own key. */
  redact?: (text: string) => string;
  onWarning?: (warning: ModelWarning) => void;
}

const LEASE_OVER = Symbol("the lease ended before anything was sent");
/** Each of them ends only when somebody replaces the secret, or revokes, in the same instant. */
const MAX_LEASES = 5;

const TOKEN_NOT_REPLACED =
  "The provider refused the token of the route's account, and it could not be refreshed now.";

interface Usable {
  secret: Secret | undefined;
  /** Absent for a key that the route was started with. */
  credential?: LeasedCredential;
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

  async attempt(request: ModelRequest, options: AttemptOptions): Promise<AttemptOutcome> {
    const refusal = refusalOf(this.#route, request);
    if (refusal !== undefined) return failure("invalid_request", refusal);

    let hasReplaced = false;
    for (let round = 1; ; round++) {
      const answer = await this.#credential(request);
      if (!answer.ok) return failure(answer.retryable === true ? "transport" : "auth", answer.message);
      const outcome = await this.#attemptWith(answer, request, options);
      if (outcome !== LEASE_OVER) {
        // Whether an account's token is still good, its provider knows best: refused once, it is replaced once.
        if (hasReplaced || !isUnauthorized(outcome) || options.signal.aborted) return outcome;
        hasReplaced = true;
        const replacement = await answer.credential?.replacement?.();
        if (replacement === "replaced") continue;
        return replacement === "later" ? failure("transport", TOKEN_NOT_REPLACED) : outcome;
      }
      // Nothing was sent: the lease ended in between, by a rotation for instance, and a new one is asked for.
      if (round >= MAX_LEASES)
        return failure("auth", "The credential of the route is replaced faster than it can be used.");
    }
  }

  async #attemptWith(
    { credential, secret }: Usable,
    request: ModelRequest,
    options: AttemptOptions,
  ): Promise<AttemptOutcome | typeof LEASE_OVER> {
    const deadline = new Deadline(this.#ports.clock, this.#route, options.signal);
    const witness =
      options.evidence === undefined ? undefined : witnessedFetch(this.#ports.fetch, options.evidence);
    let isLeaseOver = false;
    let isSent = false;
    const fetch: Fetch = async (input, init) => {
      isLeaseOver = credential?.isActive() === false;
      if (isLeaseOver) throw new Error("the lease is over");
      isSent = true;
      return witness === undefined ? this.#ports.fetch(input, init) : witness.fetch(input, init);
    };
    try {
      const route = credential === undefined ? this.#route : withAccount(this.#route, credential);
      return { ok: true, ...(await this.#ask(route, secret, fetch, request, options, deadline)) };
    } catch (error) {
      if (isLeaseOver) return LEASE_OVER;
      if (options.signal.aborted) return cancelled();
      if (deadline.expired !== undefined) return failure("transport", deadline.expired);
      const { driver } = this.#route;
      const { clock, redact } = this.#ports;
      return { ok: false, error: classify(error, { driver, secret, redact, nowMs: clock.now() }) };
    } finally {
      deadline.close();
      await witness?.close();
      if (isSent) credential?.answered();
    }
  }

  async #ask(
    route: Route,
    secret: Secret | undefined,
    guarded: Fetch,
    request: ModelRequest,
    { onDelta }: ModelCallOptions,
    deadline: Deadline,
  ): Promise<Omit<Extract<AttemptOutcome, { ok: true }>, "ok">> {
    const fetch = watchedFetch(guarded, () => deadline.touch());
    const model = this.#openModel(route, secret, request.model, fetch);
    const { stream } = await model.doStream({
      prompt: await this.#prompt(request),
      ...toSettings(request, this.#quirks, limitsOf(this.#route, request.model)),
      abortSignal: deadline.signal,
    });
    const { sources, ...answer } = await assemble(stream, {
      onDelta,
      onWarnings: (warnings) => this.#warn(request.model, warnings),
      takenIds: callIdsIn(request),
      idSuffix: `-${request.turn}`,
      namesItsEnd: this.#quirks.namesItsEnd,
    });
    const { route_id } = this.#route;
    const message: Omit<AssistantMessage, "id"> = {
      role: "assistant",
      route_id,
      model: request.model,
      ...answer,
    };
    return sources === undefined ? { message } : { message, sources };
  }

  /** The key of the route as it is now: one that stands in a slot is taken from there at each attempt (02-R64). */
  async #credential(
    request: ModelRequest,
  ): Promise<({ ok: true } & Usable) | Extract<CredentialAnswer, { ok: false }>> {
    const { route_id, driver, credential } = this.#route;
    if (credential.kind !== "slot") {
      return { ok: true, secret: credential.kind === "key" ? credential.secret : undefined };
    }
    const { session_id, run_id, credential_scope: scope } = request;
    const { slot_id } = credential;
    const port = this.#ports.credentials ?? NO_CREDENTIALS;
    const answer = await port.lease({ slot_id, route_id, driver, session_id, run_id, scope });
    return answer.ok ? { ...answer, secret: answer.credential.secret } : answer;
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

  #warn(model: string, warnings: readonly SharedV4Warning[]): void {
    for (const warning of warnings) {
      const message = (this.#ports.redact ?? String)(describe(warning));
      this.#ports.onWarning?.({ route_id: this.#route.route_id, model, message });
    }
  }
}

function isUnauthorized(outcome: AttemptOutcome): boolean {
  return !outcome.ok && outcome.error.status === 401;
}

/** What the route says itself wins over what its slot says. */
function withAccount(route: Route, { organization, project, account, base_url }: LeasedCredential): Route {
  return {
    ...route,
    ...(account === undefined ? {} : { account }),
    ...(base_url === undefined || isOwnUrl(route) ? {} : { base_url }),
    ...(route.organization !== undefined || organization === undefined ? {} : { organization }),
    ...(route.project !== undefined || project === undefined ? {} : { project }),
  };
}

/** Every route has a URL; its own is one that somebody has given it. */
function isOwnUrl({ driver, base_url }: Route): boolean {
  return base_url !== undefined && base_url !== factsOf(driver).builtInBaseUrl;
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
