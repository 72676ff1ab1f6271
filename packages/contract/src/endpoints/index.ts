import { approvalsEndpoints } from "./approvals.ts";
import { auditEndpoints } from "./audit.ts";
import { budgetsEndpoints } from "./budgets.ts";
import { docsEndpoints } from "./docs.ts";
import { goalsEndpoints } from "./goals.ts";
import { mcpEndpoints } from "./mcp.ts";
import { operationsEndpoints } from "./operations.ts";
import { permissionsEndpoints } from "./permissions.ts";
import { questionsEndpoints } from "./questions.ts";
import { runsEndpoints } from "./runs.ts";
import { runtimeEndpoints } from "./runtime.ts";
import { secretsEndpoints } from "./secrets.ts";
import { sessionsEndpoints } from "./sessions.ts";
import { skillsEndpoints } from "./skills.ts";
import { streamsEndpoints } from "./streams.ts";
import { tasksEndpoints } from "./tasks.ts";
import { tokensEndpoints } from "./tokens.ts";

export * from "./endpoint.ts";

type Table = typeof operationsEndpoints &
  typeof runtimeEndpoints &
  typeof permissionsEndpoints &
  typeof tokensEndpoints &
  typeof mcpEndpoints &
  typeof skillsEndpoints &
  typeof secretsEndpoints &
  typeof budgetsEndpoints &
  typeof sessionsEndpoints &
  typeof streamsEndpoints &
  typeof runsEndpoints &
  typeof goalsEndpoints &
  typeof approvalsEndpoints &
  typeof questionsEndpoints &
  typeof tasksEndpoints &
  typeof auditEndpoints &
  typeof docsEndpoints;

/**
 * Every route of the daemon, once: HTTP, CLI, SDK and the OpenAPI document read it. One part a tag; the type is named
 * part by part, because the compiler writes no declaration of a type beyond a certain length.
 */
export const endpoints: Table = {
  ...operationsEndpoints,
  ...runtimeEndpoints,
  ...permissionsEndpoints,
  ...tokensEndpoints,
  ...mcpEndpoints,
  ...skillsEndpoints,
  ...secretsEndpoints,
  ...budgetsEndpoints,
  ...sessionsEndpoints,
  ...streamsEndpoints,
  ...runsEndpoints,
  ...goalsEndpoints,
  ...approvalsEndpoints,
  ...questionsEndpoints,
  ...tasksEndpoints,
  ...auditEndpoints,
  ...docsEndpoints,
};

export type EndpointId = keyof typeof endpoints;
