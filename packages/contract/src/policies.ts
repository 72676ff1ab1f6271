import { z } from "zod";
import { ModelOverride } from "./hooks.ts";

/** How long a run stays in memory for later prompts, and how much of it (02, Run-memory policy). */
export const RunMemoryPolicy = z
  .strictObject({
    enabled: z.boolean().default(true),
    retention_ms: z.int().nonnegative().default(2_592_000_000),
    max_tracked_per_session: z.int().nonnegative().default(32),
    max_prompt_entries: z.int().nonnegative().default(3),
    redact_pii: z.boolean().default(true),
    search_visibility: z.enum(["session_only", "learning_scopes"]).default("session_only"),
  })
  .superRefine((policy, context) => {
    if (!policy.enabled) return;
    for (const name of ["retention_ms", "max_tracked_per_session", "max_prompt_entries"] as const) {
      if (policy[name] > 0) continue;
      context.addIssue({ code: "custom", path: [name], message: "must be greater than 0 while enabled" });
    }
    if (policy.max_prompt_entries > policy.max_tracked_per_session) {
      const message = "must not be greater than max_tracked_per_session";
      context.addIssue({ code: "custom", path: ["max_prompt_entries"], message });
    }
  })
  .meta({ id: "RunMemoryPolicy" });
export type RunMemoryPolicy = z.output<typeof RunMemoryPolicy>;

const LearningAction = z.enum(["manual_review", "reject", "publish_provisional", "publish_active"]);
const model = ModelOverride.nullable().default(null);
const timeout_ms = z.int().positive().nullable().default(null);

const LearningRule = z.strictObject({
  name: z.string().optional(),
  scope_kind: z.string().optional(),
  scope_id: z.string().optional(),
  kind: z.string().optional(),
  sensitivity: z.string().optional(),
  min_confidence: z.number().min(0).max(1).optional(),
  require_evidence: z.boolean().default(false),
  require_source_run: z.boolean().default(false),
  require_source_session: z.boolean().default(false),
  action: LearningAction,
  expires_after_ms: z.int().positive().optional(),
});

const SemanticCandidates = z.strictObject({
  enabled: z.boolean().default(false),
  model,
  timeout_ms,
  max_candidates_per_run: z.int().positive().default(2),
});
const Capture = z.strictObject({
  run_summary_candidates: z.boolean().default(true),
  semantic_candidates: SemanticCandidates.prefault({}),
});
const Publication = z.strictObject({
  default_action: LearningAction.default("manual_review"),
  allow_api_origin_active_publication: z.boolean().default(false),
  quarantined_rule_names: z.array(z.string()).default([]),
  rules: z.array(LearningRule).default([]),
});
const Judge = z.strictObject({ enabled: z.boolean().default(false), model, timeout_ms });

/** What is captured from runs, and what may be published without a human (04, Learning policy). */
export const LearningPolicy = z
  .strictObject({
    mode: z.enum(["manual_only", "shadow", "enabled"]).default("shadow"),
    capture: Capture.prefault({}),
    publication: Publication.prefault({}),
    judge: Judge.prefault({}),
  })
  .meta({ id: "LearningPolicy" });
export type LearningPolicy = z.output<typeof LearningPolicy>;
