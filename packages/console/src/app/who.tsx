import { queryOptions, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Allowed } from "../ui/may.tsx";
import { kheish } from "./client.ts";

/** Who the daemon takes this page for. */
export const whoQuery = queryOptions({
  queryKey: ["who"],
  queryFn: ({ signal }) => kheish().api.whoami({ signal }),
});

/** Pages for whoever is signed in: what this token may not do is not offered, and the page says so (08-R7). */
export function ForWhoLooks({ children }: { children: ReactNode }) {
  const { data } = useQuery(whoQuery);
  const readsOnly = data?.verbs.every((verb) => verb === "read");
  return (
    <Allowed verbs={data?.verbs}>
      {readsOnly === true && (
        <p role="note" className="mb-4 rounded-md border border-line bg-surface p-3 text-soft">
          You look with a token that reads only ({data?.principal}): nothing can be changed here.
        </p>
      )}
      {children}
    </Allowed>
  );
}
