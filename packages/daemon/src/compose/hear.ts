import { BUDGET_STREAM, RULE_STREAM, recorded } from "../engine/index.ts";
import { RUNTIME_STREAM } from "../features/events/index.ts";
import type { TokenService } from "../features/tokens/index.ts";
import type { Credentials } from "../governance/credentials.ts";
import type { Log } from "../kernel/log.ts";
import type { JournalTail } from "../kernel/tail.ts";
import type { Configuration } from "./configuration.ts";
import type { Engine } from "./engine.ts";
import type { Hooks } from "./hooks.ts";

interface Hearers {
  configuration: Configuration;
  hooks: Hooks;
  engine: Engine;
  tokens: TokenService;
  credentials: Credentials;
  log: Log;
}

/** What another daemon decided reaches this one through the journal. */
export function hear(tail: JournalTail, hearers: Hearers): void {
  const { configuration, hooks, engine, tokens, credentials, log } = hearers;
  const { runtime, routes, skills, mcp } = configuration;
  const orLog = (work: Promise<unknown> | undefined, failed: string) =>
    void work?.catch((error: unknown) => log.error({ err: String(error) }, failed));

  tail.onEvent((stored) => {
    if (stored.stream === RUNTIME_STREAM) {
      orLog(
        runtime.refresh().then(() => hooks.watchers.look()),
        "reading settings failed",
      );
      orLog(routes.refresh(), "reading routes failed");
      orLog(skills.heard(stored), "reading the skills failed");
      orLog(mcp?.refresh(), "reading the MCP servers failed");
    }
    tokens.heard(stored);
    hooks.watches.follow(stored);
    orLog(credentials.follow(stored), "a change of the auth store could not be taken over");
    if (stored.stream === BUDGET_STREAM) engine.budgets.outdate();
    if (stored.stream === RULE_STREAM) engine.rules.outdate();
    engine.host?.heard(stored);
    engine.notices.heard(stored);
    const event = recorded(stored);
    if (event.type === "cancelled" || event.type === "interrupted")
      engine.executor.abortRun(event.data.run_id);
  });
}
