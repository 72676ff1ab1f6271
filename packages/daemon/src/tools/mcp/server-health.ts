import type { McpServerHealth } from "@kheish/contract";
import type { Clock } from "../../kernel/clock.ts";
import type { Connection } from "./connection-port.ts";
import { untrusted } from "./descriptions.ts";
import { MCP_LIMITS } from "./json-limits.ts";
import { LEAST_DELAY_MS } from "./reconnect.ts";

/** 03-R62. */
const NEEDS_SESSION = "oauth_requires_scoped_runtime_initialization";
/** How long a server that has just gone away is expected back. */
const RETURN_MS = 5_000;

/** What is known of a server: how it does, what went wrong last, and what it says of itself. */
export class ServerHealth {
  readonly #clock: Clock;
  readonly #redact: (text: string) => string;
  #record: McpServerHealth;
  #error: string | undefined;
  #instructions: string | undefined;
  /** When its connection was last lost. */
  #wentAwayAt = Number.NEGATIVE_INFINITY;
  /** When it was last connected to in vain. */
  #failedAttemptAt = Number.NEGATIVE_INFINITY;

  /** `isLazy`: it is not connected to before a session asks for it. */
  constructor(clock: Clock, redact: (text: string) => string, isLazy: boolean) {
    this.#clock = clock;
    this.#redact = redact;
    this.#record = { state: isLazy ? "waiting_for_authorization" : "connecting", failed_attempts: 0 };
    if (isLazy) this.#error = NEEDS_SESSION;
  }

  get record(): McpServerHealth {
    return this.#record;
  }

  /** What went wrong last, unless something has gone well since. */
  get error(): string | undefined {
    return this.#error;
  }

  get instructions(): string | undefined {
    return this.#instructions;
  }

  /** It has only just gone away, as one does that is restarted: whoever needs it waits for it. */
  get isBackSoon(): boolean {
    return this.#clock.now() - this.#wentAwayAt < RETURN_MS;
  }

  /** It was connected to in vain a moment ago, and there is no reason to think better of it. */
  get hasJustFailed(): boolean {
    return this.#clock.now() - this.#failedAttemptAt < LEAST_DELAY_MS && !this.isBackSoon;
  }

  /** `why` stands in place of what went wrong before. */
  enter(state: McpServerHealth["state"], why?: string): void {
    if (why !== undefined) this.#error = why;
    this.#record = { ...this.#record, state };
  }

  /** It is connected to again by itself, that much later. */
  waitToReconnect(delayMs: number): void {
    this.#record = {
      ...this.#record,
      state: "waiting_to_reconnect",
      next_attempt_at_ms: this.#clock.now() + delayMs,
    };
  }

  connected({ instructions, protocolVersion, serverVersion }: Connection): void {
    this.#error = undefined;
    this.#instructions =
      instructions === undefined || instructions.trim() === ""
        ? undefined
        : untrusted(this.#redact(instructions), MCP_LIMITS.instructions);
    const { last_failure_at_ms } = this.#record;
    this.#record = {
      state: "connected",
      failed_attempts: 0,
      last_success_at_ms: this.#clock.now(),
      ...(last_failure_at_ms === undefined ? {} : { last_failure_at_ms }),
      protocol_version: protocolVersion,
      ...(serverVersion === undefined ? {} : { server_version: serverVersion }),
    };
  }

  /** It answered. */
  succeeded(): void {
    this.#error = undefined;
    this.#record = { ...this.#record, failed_attempts: 0, last_success_at_ms: this.#clock.now() };
  }

  /** 03-R68: a failed call marks the server, and a later success clears that. */
  refused(message: string): void {
    this.#error = this.#redact(message);
    this.#record = { ...this.#record, last_failure_at_ms: this.#clock.now() };
  }

  /** It did not answer as it should: one failure more in a row. */
  failed(message: string): void {
    this.refused(message);
    this.#record = { ...this.#record, failed_attempts: this.#record.failed_attempts + 1 };
  }

  /** It was connected to in vain. */
  attemptFailed(message: string): void {
    this.#failedAttemptAt = this.#clock.now();
    this.failed(message);
  }

  /** What the last attempt failed with is another one now: the next one may be made at once. */
  forgetFailedAttempt(): void {
    this.#failedAttemptAt = Number.NEGATIVE_INFINITY;
  }

  wentAway(): void {
    this.#wentAwayAt = this.#clock.now();
  }
}
