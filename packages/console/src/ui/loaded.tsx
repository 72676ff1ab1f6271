import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failure, Skeleton } from "./parts.tsx";

/** What was read from the daemon, as last known: a refresh that fails takes nothing off the page. */
export function Loaded<Data>({
  query,
  lines = 6,
  children,
}: {
  query: UseQueryResult<Data>;
  lines?: number;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  return query.error ? <Failure error={query.error} /> : <Skeleton lines={lines} />;
}
