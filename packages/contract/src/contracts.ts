import { z } from "zod";
import { Json, JsonObject } from "./json.ts";

/** Repair turns for an answer that breaks its contract, when nobody says how many (01-R34). */
export const DEFAULT_REPAIR_ATTEMPTS = 3;
/** More than this nobody gets. */
export const MAX_REPAIR_ATTEMPTS = 5;

/** What a session's input must be: one JSON value of this schema (01-R32, 01-R33). */
export const InputContract = z.object({ schema: JsonObject }).meta({ id: "InputContract" });
export type InputContract = z.infer<typeof InputContract>;

/** What the final answer of a session's runs must be (01-R34). */
export const OutputContract = z
  .object({ schema: JsonObject, max_repair_attempts: z.int().nonnegative() })
  .meta({ id: "OutputContract" });
export type OutputContract = z.infer<typeof OutputContract>;

const schema = Json.describe("the closed JSON Schema subset; null removes the contract");

export const SetInputContractRequest = z.strictObject({ schema }).meta({ id: "SetInputContractRequest" });
export type SetInputContractRequest = z.infer<typeof SetInputContractRequest>;

export const SetOutputContractRequest = z
  .strictObject({
    schema,
    max_repair_attempts: z
      .int()
      .nonnegative()
      .optional()
      .describe(`default ${DEFAULT_REPAIR_ATTEMPTS}; what is above ${MAX_REPAIR_ATTEMPTS} counts as that`),
  })
  .meta({ id: "SetOutputContractRequest" });
export type SetOutputContractRequest = z.infer<typeof SetOutputContractRequest>;

/** What an output says about itself when a contract held for it (01-R34). */
export const StructuredOutput = z
  .object({ output_kind: z.literal("structured_output"), structured_output: Json })
  .meta({ id: "StructuredOutput" });
export type StructuredOutput = z.infer<typeof StructuredOutput>;
