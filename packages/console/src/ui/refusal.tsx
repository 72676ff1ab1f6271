import { KheishProblem } from "@kheish/sdk";
import { Button } from "./parts.tsx";

/** Codes by which the daemon says that what was changed is not any more what was looked at. */
const CHANGED = /(revision_conflict|precondition_failed)$/;

/** What the daemon refused, in its words, field by field where it says so. */
export function Refusal({ error, onReload }: { error: unknown; onReload?: () => void }) {
  if (!(error instanceof KheishProblem))
    return <Alert>{error instanceof Error ? error.message : String(error)}</Alert>;
  if (CHANGED.test(error.code))
    return (
      <Alert>
        <strong>Changed meanwhile.</strong> {error.detail}{" "}
        {onReload !== undefined && <Button onClick={onReload}>Show what it is now</Button>}
      </Alert>
    );
  const { errors = [] } = error.document;
  return (
    <Alert>
      {error.detail}
      {errors.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {errors.map(({ path, message }) => (
            <li key={path + message}>
              <code>{path || "/"}</code>: {message}
            </li>
          ))}
        </ul>
      )}
      <span className="mt-1 block font-mono text-xs">
        {error.domain === undefined ? error.code : `${error.domain}/${error.code}`}
      </span>
    </Alert>
  );
}

function Alert({ children }: { children: React.ReactNode }) {
  return (
    <div role="alert" className="rounded-md border border-bad p-3 text-bad wrap-anywhere">
      {children}
    </div>
  );
}
