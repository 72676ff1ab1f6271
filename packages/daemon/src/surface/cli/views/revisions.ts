import type { RuntimeRevisionDiff, RuntimeRevisionList } from "@kheish/contract";
import { compactJson, type Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

type Revision = RuntimeRevisionList["revisions"][number];

export function revisionList({ revisions }: RuntimeRevisionList, style: Style): string {
  if (revisions.length === 0) return style.colors.dim("nothing was ever changed");
  return table(
    revisions,
    [
      { title: "REVISION", value: ({ revision }) => revision, keep: true },
      { title: "CHANGED", value: changed },
      { title: "BY", value: ({ actor }) => actor },
      { title: "WHEN", value: ({ updated_at_ms }) => age(updated_at_ms, style.now) },
      { title: "REASON", value: ({ reason }) => reason },
    ],
    style,
  );
}

function changed({ setting, rolled_back_setting, rollback_of_revision: target }: Revision): string {
  if (setting !== "rollback") return setting;
  return `${rolled_back_setting ?? "all"} back to ${target}`;
}

export function diffText({ revision, against, changes }: RuntimeRevisionDiff, style: Style): string {
  const head = style.colors.dim(`revision ${revision} against ${against}`);
  if (changes.length === 0) return `${head}\nno difference`;
  const rows = table(
    changes,
    [
      { title: "SETTING", value: ({ setting, path }) => `${setting}${path}`, keep: true },
      { title: "BEFORE", value: ({ before }) => compactJson(before) || "-" },
      { title: "AFTER", value: ({ after }) => compactJson(after) || "-" },
    ],
    style,
  );
  return `${head}\n${rows}`;
}
