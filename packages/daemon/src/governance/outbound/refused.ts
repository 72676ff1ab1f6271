/** Why a request did not go out, in the words of the external-action audit (02-R74). */
export type RefusalClass = "blocked_private_network" | "blocked_credentials" | "invalid_request" | "status";

/** A request that must not leave, or whose answer leads elsewhere. The message names no secret part of the URL. */
export class OutboundRefused extends Error {
  readonly failureClass: RefusalClass;

  constructor(failureClass: RefusalClass, message: string) {
    super(message);
    this.name = "OutboundRefused";
    this.failureClass = failureClass;
  }
}
