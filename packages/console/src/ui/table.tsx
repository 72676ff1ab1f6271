import type { ReactNode } from "react";

/** The column of what can be done: it needs no heading for eyes. */
export const ACTS = "Actions";

/** Rows of facts; on a phone each row is a card with the columns' names beside their values. */
export function Table({ columns, children }: { columns: readonly string[]; children: ReactNode }) {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full border-collapse text-left max-md:block [&_tbody]:max-md:block">
        <thead className="max-md:sr-only">
          <tr className="border-b border-line text-soft">
            {columns.map((column) => (
              <th key={column} scope="col" className="px-4 py-2 font-medium">
                {column === ACTS ? <span className="sr-only">{column}</span> : column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">{children}</tbody>
      </table>
    </div>
  );
}

export function Row({ children }: { children: ReactNode }) {
  return <tr className="align-top max-md:grid max-md:gap-1 max-md:py-2">{children}</tr>;
}

/** `name`: of its column, shown beside it on a phone. */
export function Cell({ name, children }: { name?: string; children: ReactNode }) {
  const beside = name === undefined ? "" : "max-md:grid max-md:grid-cols-[7rem_minmax(0,1fr)] max-md:gap-2";
  return (
    <td className={`min-w-0 px-4 py-2 wrap-anywhere max-md:py-1 ${beside}`}>
      {name !== undefined && (
        <span aria-hidden="true" className="text-soft md:hidden">
          {name}
        </span>
      )}
      <div className="min-w-0">{children}</div>
    </td>
  );
}

/** Buttons of a row. */
export function Acts({ children }: { children: ReactNode }) {
  return (
    <div className="flex flex-wrap gap-2 md:justify-end lg:flex-nowrap [&>button]:whitespace-nowrap">
      {children}
    </div>
  );
}

/** A word that says how something does. */
export function Word({ tone, children }: { tone: "good" | "bad" | "wait" | "soft"; children: ReactNode }) {
  const tones = { good: "text-good", bad: "text-bad", wait: "text-wait", soft: "text-soft" };
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium ${tones[tone]}`}>
      <span aria-hidden="true" className="size-2 shrink-0 rounded-full bg-current" />
      {children}
    </span>
  );
}
