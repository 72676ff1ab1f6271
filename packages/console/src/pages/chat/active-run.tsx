import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runQuery } from "../../app/queries.ts";
import { Status } from "../../ui/parts.tsx";
import { Decide } from "../inbox/decide.tsx";

/** What the session is at, and what it waits for, in its place in the conversation. */
export function ActiveRun({ runId }: { runId: string }) {
  const { data: run } = useQuery(runQuery(runId));
  if (run === undefined) return null;
  return (
    <li className="grid gap-2">
      <p className="flex gap-2">
        <Link className="text-accent underline" to="/runs/$runId" params={{ runId }}>
          {runId}
        </Link>
        <Status status={run.status} />
      </p>
      <Decide run={run} />
    </li>
  );
}
