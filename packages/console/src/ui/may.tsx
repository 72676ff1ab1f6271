import type { Verb } from "@kheish/sdk";
import { createContext, type ReactNode, useContext } from "react";

/** What the daemon lets this operator do; undefined where it has not said. */
const Verbs = createContext<readonly Verb[] | undefined>(undefined);

export function Allowed({ verbs, children }: { verbs: readonly Verb[] | undefined; children: ReactNode }) {
  return <Verbs value={verbs}>{children}</Verbs>;
}

/** Why this operator may not do what takes the verb; undefined where nothing is known against it. */
export function useReasonAgainst(verb: Verb): string | undefined {
  const verbs = useContext(Verbs);
  if (verbs === undefined || verbs.includes(verb)) return undefined;
  return `This takes a token with the verb '${verb}'; yours has ${verbs.join(", ")}.`;
}
