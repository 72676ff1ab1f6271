import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { statusQuery } from "../../app/queries.ts";
import { isFresh, isTourOver } from "./fresh.ts";

/** Whoever comes to a daemon that nobody has set up is shown how. */
export function OfferTour({ children }: { children: ReactNode }) {
  const status = useQuery(statusQuery);
  if (status.data !== undefined && isFresh(status.data) && !isTourOver())
    return <Navigate to="/welcome" replace />;
  return children;
}
