import { useQueryClient } from "@tanstack/react-query";
import { type Dispatch, type SetStateAction, useState } from "react";
import { kheish } from "../../app/client.ts";
import { Button } from "../../ui/parts.tsx";
import { type Item, nameOf } from "./items.ts";
import { isLate } from "./use-decision.ts";

type Behavior = "allow" | "deny";
interface Result {
  id: string;
  name: string;
  text: string;
  isGood: boolean;
}

/** Decides many approvals, each by itself: one that fails or was decided by somebody else keeps none of the others. */
export function Bulk({
  items,
  picked,
  onPick,
}: {
  items: readonly Item[];
  picked: readonly Item[];
  onPick: Dispatch<SetStateAction<ReadonlySet<string>>>;
}) {
  const client = useQueryClient();
  const [results, setResults] = useState<Result[]>([]);
  const [isBusy, setBusy] = useState(false);
  const approvals = items.filter(({ kind }) => kind === "approval");
  const decide = async (behavior: Behavior) => {
    setBusy(true);
    setResults(await Promise.all(picked.map((item) => decided(item, behavior))));
    setBusy(false);
    // What was picked meanwhile is the next.
    onPick((now) => now.difference(new Set(picked.map(({ id }) => id))));
    await client.invalidateQueries();
  };
  const isAll = approvals.length > 0 && picked.length === approvals.length;
  return (
    <>
      {approvals.length > 1 && (
        <fieldset aria-label="Many at once" className="mb-3 flex flex-wrap items-center gap-2 px-2">
          <label className="mr-2 flex items-center gap-2 text-soft">
            <input
              type="checkbox"
              checked={isAll}
              onChange={() => onPick(new Set(isAll ? [] : approvals.map(({ id }) => id)))}
              className="size-4"
            />
            All {approvals.length} approvals
          </label>
          {picked.length > 0 && (
            <>
              <Button tone="primary" disabled={isBusy} onClick={() => void decide("allow")}>
                Approve {picked.length}
              </Button>
              <Button tone="danger" disabled={isBusy} onClick={() => void decide("deny")}>
                Deny {picked.length}
              </Button>
            </>
          )}
        </fieldset>
      )}
      <div role="status">
        {results.length > 0 && (
          <div className="mb-4 rounded-md border border-line bg-surface p-3">
            <ul className="grid gap-1">
              {results.map(({ id, name, text, isGood }) => (
                <li key={id}>
                  {name}: <span className={isGood ? "text-good" : "text-bad"}>{text}</span>
                </li>
              ))}
            </ul>
            <Button className="mt-2" onClick={() => setResults([])}>
              Dismiss
            </Button>
          </div>
        )}
      </div>
    </>
  );
}

async function decided(item: Item, behavior: Behavior): Promise<Result> {
  const { run, request } = item;
  const result = (text: string, isGood = false) => ({
    id: item.id,
    name: `${nameOf(item)} of ${run.run_id}`,
    text,
    isGood,
  });
  try {
    await kheish().api.resolveRunApprovals({
      params: { run_id: run.run_id },
      body: { resolutions: [{ request_id: request.id, behavior }] },
    });
    return result(behavior === "allow" ? "approved" : "denied", true);
  } catch (error) {
    if (isLate(error)) return result("already resolved");
    return result(error instanceof Error ? error.message : String(error));
  }
}
