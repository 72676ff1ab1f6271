import { problem } from "@kheish/contract";
import type { DecodedPart } from "../commands/input.ts";
import { conform } from "./conform.ts";
import type { KeptInputContract } from "./contracts.ts";

/**
 * Check (6) of 01-R20: the texts of a submission, joined, are one JSON value of the session's contract (01-R33).
 * Its canonical form takes the place of the first text; what is no text keeps its order.
 */
export function conformInput(
  contract: KeptInputContract | undefined,
  parts: readonly DecodedPart[],
  where: "/content" | "/input_items",
): readonly DecodedPart[] {
  if (contract === undefined) return parts;
  const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const conformed = conform(contract.schema, texts.join("\n"));
  if (!conformed.ok) {
    const message = conformed.mismatch;
    const detail = `the input breaks the session's input contract: ${message}`;
    throw problem("sessions", "input_contract_violated", detail, { errors: [{ path: where, message }] });
  }
  const first = parts.findIndex((part) => part.type === "text");
  return parts.flatMap((part, index): DecodedPart[] => {
    if (part.type !== "text") return [part];
    return index === first ? [{ type: "text", text: conformed.text }] : [];
  });
}
