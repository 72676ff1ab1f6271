import { z } from "zod";

/** What a tool declares that it may touch; each includes those before it (03-R8). */
export const SandboxProfile = z.enum(["inherited", "read_only", "workspace_write", "network_enabled"]);
export type SandboxProfile = z.infer<typeof SandboxProfile>;

const limit = (standard: number) => z.int().positive().default(standard);

/** What bounds tool calls, daemon-wide (02-R11, 03-R3). What is left out has its default. */
export const ToolRuntimeLimits = z
  .strictObject({
    max_input_bytes: limit(16_777_216),
    max_output_bytes: limit(16_777_216),
    max_result_envelope_bytes: limit(25_165_824),
    max_timeout_ms: limit(180_000),
    max_parallel_tools: limit(16),
    max_calls_per_turn: limit(256),
    max_cumulative_output_bytes: limit(67_108_864),
    max_cumulative_result_envelope_bytes: limit(100_663_296),
    max_sandbox: SandboxProfile.default("network_enabled"),
  })
  .meta({ id: "ToolRuntimeLimits" });
export type ToolRuntimeLimits = z.output<typeof ToolRuntimeLimits>;
