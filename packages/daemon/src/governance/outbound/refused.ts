/** Why a request was refused or failed, in the words of the external-action audit (02-R74). */
export type RefusalClass =
  | "blocked_private_network"
  | "blocked_credentials"
  | "response_too_large"
  | "unsupported_content_type"
  | "permission"
  | "status"
  | "connect"
  | "decode"
  | "invalid_request"
  | "transport";

/** A request that must not leave, or whose answer is not taken. The message names no secret part of the URL. */
export class OutboundRefused extends Error {
  readonly failureClass: RefusalClass;

  constructor(failureClass: RefusalClass, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "OutboundRefused";
    this.failureClass = failureClass;
  }
}
