import { KheishProblem } from "@kheish/sdk";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** What was asked for is not there, or not for this token to know of. */
export function isMissing(error: unknown): boolean {
  return error instanceof KheishProblem && error.status === 404;
}

/** An address that names something which is not there: that it is so, and the way to what is. */
export function Missing({ children }: { children: ReactNode }) {
  return (
    <p
      role="status"
      className="rounded-lg border border-dashed border-line p-8 text-center wrap-anywhere text-soft"
    >
      {children}
    </p>
  );
}

const LISTS = { run: "/runs", session: "/sessions" } as const;

/** The same of a record that has a page of its own. */
export function MissingRecord({ kind }: { kind: keyof typeof LISTS }) {
  return (
    <Missing>
      This daemon has no such {kind}; it may have been removed.{" "}
      <Link to={LISTS[kind]} className="text-accent underline">
        All {kind}s
      </Link>
    </Missing>
  );
}
