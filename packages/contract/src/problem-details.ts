import { z } from "zod";

/** RFC 9457 problem document; every non-2xx answer of the daemon is one. */
export const ProblemDetails = z
  .object({
    type: z.string().describe("urn:kheish:problem:<code>"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    domain: z.string().optional(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("One entry per offending field; paths are JSON Pointers."),
    run_id: z.string().optional().describe("The durable run behind a failed inline submission."),
    incident_id: z.string().optional().describe("Finds the log entry of an internal error."),
  })
  .meta({ id: "ProblemDetails" });
export type ProblemDetails = z.infer<typeof ProblemDetails>;
