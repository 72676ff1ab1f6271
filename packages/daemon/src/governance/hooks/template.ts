import type { HookInput } from "@kheish/contract";

const PLACEHOLDER = /\{\{(event|subject|session_id|agent_id|run_id|payload|invocation_json)\}\}/g;

/** A template with what the hook is called for in it (03-R53), replaced once: what is put in is never read as a placeholder. */
export function fillTemplate(template: string, input: HookInput): string {
  return template.replace(PLACEHOLDER, (_match, name: string) => placeholder(name, input));
}

function placeholder(name: string, input: HookInput): string {
  switch (name) {
    case "event":
      return input.event.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    case "payload":
      return input.payload === undefined ? "" : JSON.stringify(input.payload);
    case "invocation_json":
      return JSON.stringify(input);
    default:
      return input[name as "subject" | "session_id" | "agent_id" | "run_id"] ?? "";
  }
}
