import { OutboundRefused } from "../../../governance/outbound/refused.ts";
import { checkTarget } from "../../../governance/outbound/target.ts";

const WHY: Partial<Record<OutboundRefused["failureClass"], string>> = {
  blocked_credentials: "must not carry a user name or password",
  blocked_private_network: "must be a public host",
};
/** IPv6 addresses that stand for an IPv4 one: no hook needs them, and they hide where it goes. */
const DISGUISED = /^(?:::ffff:|64:ff9b:)/i;

/** Why a hook may not call this URL, as far as the URL itself tells (03-R50); undefined when nothing speaks against it. */
export function refusedTarget(text: string): string | undefined {
  try {
    return DISGUISED.test(checkTarget(text).host) ? "must be a public host" : undefined;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    return WHY[error.failureClass] ?? "must be an absolute http or https URL";
  }
}
