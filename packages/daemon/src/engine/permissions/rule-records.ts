import type { Store } from "../../kernel/store.ts";
import type { Kept } from "../records.ts";

const PAGE = 1_000;

/** The rules of a session, or of the daemon, in the order they were made. */
export async function listRules(store: Store, sessionId?: string): Promise<Kept<"permission_rule">[]> {
  const prefix = sessionId === undefined ? ["daemon"] : ["session", sessionId];
  const rules: Kept<"permission_rule">[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.list("permission_rule", {
      index: "owner",
      prefix,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    rules.push(...(page as unknown as Kept<"permission_rule">[]));
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return rules;
  }
}
