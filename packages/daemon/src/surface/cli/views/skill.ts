import type {
  ActiveSkill,
  RuntimeSkillSnapshot,
  SessionSkillSummary,
  SkillReloadResult,
  SkillSummary,
  SkillView,
} from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { oneLine, printable } from "../output/text.ts";
import { age } from "../output/time.ts";

const DIGEST_CHARS = 12;

/** Of a session, those that are active bear a mark. */
export function skillTable(skills: readonly (SkillSummary | SessionSkillSummary)[], style: Style): string {
  if (skills.length === 0) return "No skills.";
  return table(
    skills,
    [
      { title: "SKILL", value: (one) => one.name, keep: true },
      { title: "FROM", value: (one) => one.scope.replace("_", "-") },
      { title: "DIGEST", value: (one) => one.digest.slice(0, DIGEST_CHARS) },
      ...(skills.some((one) => "active" in one)
        ? [{ title: "ACTIVE", value: (one: object) => ("active" in one && one.active === true ? "yes" : "") }]
        : []),
      { title: "DOES", value: (one) => oneLine(one.description) },
    ],
    style,
  );
}

export function skillDetail(skill: SkillView, style: Style): string {
  const { runtime, files } = skill;
  const facts = fields(
    [
      ["name", skill.name],
      ["does", skill.description],
      ["use", skill.when_to_use],
      ["version", skill.version],
      ["license", skill.license],
      ["needs", skill.compatibility],
      ["from", `${skill.scope.replace("_", "-")}, ${skill.skill_path}`],
      ["added", skill.added_at_ms && `${age(skill.added_at_ms, style.now)} by ${skill.added_by ?? ""}`],
      ["digest", skill.digest],
      ["runs", runtime.context],
      ["only tools", runtime.allowed_tools.join(", ")],
      ["not tools", runtime.blocked_tools.join(", ")],
      ["model", [runtime.provider, runtime.model].filter(Boolean).join(" ")],
      ["files", files.map(({ path }) => path).join(", ")],
    ],
    style,
  );
  return `${facts}\n\n${printable(skill.instructions)}`;
}

export function activeSkillDetail(skill: ActiveSkill, style: Style): string {
  return fields(
    [
      ["name", skill.name],
      ["version", skill.version],
      ["digest", skill.digest],
      ["active since", age(skill.activated_at_ms, style.now)],
      ["begun by", skill.activated_by],
      ["why", skill.activation_reason],
      ["only tools", skill.allowed_tools.join(", ")],
      ["not tools", skill.blocked_tools.join(", ")],
    ],
    style,
  );
}

export function libraryText({ roots, count, warnings, lock }: RuntimeSkillSnapshot, style: Style): string {
  const places = table(
    roots,
    [
      { title: "FOLDER", value: (one) => one.path, keep: true },
      { title: "FROM", value: (one) => one.scope.replace("_", "-") },
      { title: "SKILLS", value: (one) => String(one.skills) },
    ],
    style,
  );
  const { yellow, dim } = style.colors;
  const held =
    lock === undefined
      ? []
      : [
          `held to ${lock.path}${lock.signed_by.length === 0 ? "" : `, signed by ${lock.signed_by.join(", ")}`}`,
        ];
  return [
    ...(roots.length === 0 ? [] : [places, ""]),
    ...held,
    dim(`${count} ${count === 1 ? "skill" : "skills"} in use`),
    ...warnings.map((warning) => yellow(printable(warning))),
  ].join("\n");
}

export function skillReloadText(
  { added, removed, changed, skills }: SkillReloadResult,
  style: Style,
): string {
  const { colors } = style;
  const lines = [
    ...added.map((name) => colors.green(`+ ${name}`)),
    ...removed.map((name) => colors.red(`- ${name}`)),
    ...changed.map((name) => `~ ${name}`),
  ];
  if (lines.length === 0) lines.push(colors.dim("the skills are as they were"));
  return `${lines.join("\n")}\n\n${libraryText(skills, style)}`;
}

/** How skills stand to a lock file. */
export interface LockReport {
  ok: boolean;
  lock: string;
  signed_by: string[];
  checked: number;
  /** In the lock file, with other bytes. */
  changed: string[];
  /** In the lock file, and not there. */
  missing: string[];
  /** There, and not in the lock file. */
  unlocked: string[];
}

export function lockReportText(report: LockReport, { colors }: Style): string {
  const { ok, lock, signed_by: by, checked, changed, missing, unlocked } = report;
  const signed = by.length === 0 ? "" : `, signed by ${by.join(", ")}`;
  return [
    ...changed.map((name) => colors.red(`changed   ${name}`)),
    ...missing.map((name) => colors.red(`missing   ${name}`)),
    ...unlocked.map((name) => colors.yellow(`unlocked  ${name}`)),
    ok ? colors.green(`ok: ${checked} skills are as in ${lock}${signed}`) : `not as in ${lock}${signed}`,
  ].join("\n");
}
