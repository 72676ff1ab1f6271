import {
  DEFAULT_REPAIR_ATTEMPTS,
  type Json,
  MAX_REPAIR_ATTEMPTS,
  problem,
  type SetInputContractRequest,
  type SetOutputContractRequest,
} from "@kheish/contract";
import { type ContractSchema, readSchema } from "./schema.ts";

/** A session's demand on its input, with a schema that was found to be one. */
export interface KeptInputContract {
  schema: ContractSchema;
}
/** A session's demand on the final answers of its runs. */
export interface KeptOutputContract {
  schema: ContractSchema;
  max_repair_attempts: number;
}

export function inputContract({ schema }: SetInputContractRequest): KeptInputContract | undefined {
  return schema === null ? undefined : { schema: supported("input", schema) };
}

export function outputContract(request: SetOutputContractRequest): KeptOutputContract | undefined {
  const { schema, max_repair_attempts: asked = DEFAULT_REPAIR_ATTEMPTS } = request;
  if (schema === null) return undefined;
  return {
    schema: supported("output", schema),
    max_repair_attempts: Math.min(asked, MAX_REPAIR_ATTEMPTS),
  };
}

/** Every unsupported keyword in one refusal (01-R32). */
function supported(direction: "input" | "output", schema: Json): ContractSchema {
  const read = readSchema(schema);
  if (read.ok) return read.schema;
  const errors = read.issues.map(({ path, message }) => ({ path: `/schema${path}`, message }));
  throw problem(
    "sessions",
    `${direction}_contract_schema_unsupported`,
    `the ${direction} contract's schema is not supported: ${errors.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    { errors },
  );
}
