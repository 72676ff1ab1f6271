import type { HookExecutor } from "@kheish/contract";
import { OutboundRefused } from "../outbound/refused.ts";
import { checkTarget } from "../outbound/target.ts";

const WHY: Partial<Record<OutboundRefused["failureClass"], string>> = {
  blocked_credentials: "must not carry a user name or password",
  blocked_private_network: "must not be a link-local, shared, reserved or multicast address",
};

/** Why a hook may not call this URL, as far as the URL itself tells (03-R50); undefined when nothing speaks against it. */
export function refusedTarget(text: string): string | undefined {
  try {
    checkTarget(text, { namedBy: "operator" });
    return undefined;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    return WHY[error.failureClass] ?? "must be an absolute http or https URL";
  }
}

/** What a hook calls, in words that hold no command, no path and no query (02-R74). */
export function describeTarget(executor: HookExecutor): string {
  switch (executor.type) {
    case "command":
      return "command";
    case "http":
      return URL.canParse(executor.url) ? `http ${new URL(executor.url).origin}` : "http";
    case "callback":
      return `callback ${executor.name}`;
    default:
      return executor.type;
  }
}
