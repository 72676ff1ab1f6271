import { z } from "zod";

/** How the commands of agents and the servers that they use are kept apart from the machine. */
export const IsolationName = z.enum(["bubblewrap", "none"]);
export type IsolationName = z.infer<typeof IsolationName>;

export const SandboxMode = z.enum(["auto", "required", "off"]);
export type SandboxMode = z.infer<typeof SandboxMode>;

export const SandboxStatus = z
  .object({
    mode: SandboxMode,
    in_force: IsolationName,
    reason: z.string().optional().describe("why there is none"),
  })
  .meta({ id: "SandboxStatus" });
export type SandboxStatus = z.infer<typeof SandboxStatus>;
