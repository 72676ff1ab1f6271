import type { HookDeadLetter } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

export function deadLetterList(letters: HookDeadLetter[], style: Style): string {
  if (letters.length === 0) return "No hook has failed.";
  return table(
    letters,
    [
      { title: "ID", value: ({ id }) => id, keep: true },
      { title: "HOOK", value: ({ hook_name }) => hook_name },
      { title: "EVENT", value: ({ event, subject }) => [event, subject].filter(Boolean).join(" ") },
      { title: "MODE", value: ({ failure_mode }) => failure_mode },
      { title: "WHEN", value: ({ at_ms }) => age(at_ms, style.now) },
      { title: "RESOLVED", value: ({ resolved_at_ms }) => (resolved_at_ms === undefined ? "no" : "yes") },
      { title: "ERROR", value: ({ error }) => error },
    ],
    style,
  );
}

export function deadLetterDetail(letter: HookDeadLetter, style: Style): string {
  return fields(
    [
      ["id", letter.id],
      ["hook", letter.hook_name],
      ["event", letter.event],
      ["subject", letter.subject],
      ["session", letter.session_id],
      ["run", letter.run_id],
      ["target", letter.target],
      ["attempts", letter.attempt_count],
      ["mode", letter.failure_mode],
      ["error", letter.error],
      ["resolved", letter.resolution_reason ?? (letter.resolved_at_ms === undefined ? "no" : "yes")],
    ],
    style,
  );
}
