import { describe } from "vitest";
import { approvalExpiry } from "./approval-expiry.ts";
import { approvalRaces } from "./approval-races.ts";
import { approvalRefusals } from "./approval-refusals.ts";
import { approvals } from "./approvals.ts";
import { badBodies, MAX_BODY_BYTES } from "./bad-bodies.ts";
import { badTargets } from "./bad-targets.ts";
import { budgets } from "./budgets.ts";
import { cancelling } from "./cancel.ts";
import { contracts } from "./contracts.ts";
import { documented } from "./documented.ts";
import { goals } from "./goals.ts";
import { idempotency } from "./idempotency.ts";
import { idempotentDecisions } from "./idempotent-decisions.ts";
import { input } from "./input.ts";
import { interrupting } from "./interrupt.ts";
import { listRuns } from "./list-runs.ts";
import { listSessions } from "./list-sessions.ts";
import { lists } from "./lists.ts";
import { nullFields } from "./null-fields.ts";
import { permissionCheck } from "./permission-check.ts";
import { permissionMode } from "./permission-mode.ts";
import { permissionRules } from "./permission-rules.ts";
import { questionEndings } from "./question-endings.ts";
import { questionRefusals } from "./question-refusals.ts";
import { questions } from "./questions.ts";
import { queue } from "./queue.ts";
import { restartAtRest } from "./restart-at-rest.ts";
import { restartAtWork } from "./restart-at-work.ts";
import { resume } from "./resume.ts";
import { runs } from "./runs.ts";
import { runtimePolicies } from "./runtime-policies.ts";
import { runtimeRevisions } from "./runtime-revisions.ts";
import { runtimeSettings } from "./runtime-settings.ts";
import { secrets, slotRoutes, withMasterKey } from "./secrets.ts";
import { sessionEnd } from "./session-end.ts";
import { sessions } from "./sessions.ts";
import { settings } from "./settings.ts";
import { settingsEffects } from "./settings-effects.ts";
import { status } from "./status.ts";
import { streamCursors } from "./stream-cursors.ts";
import { streamOptions } from "./stream-options.ts";
import { streams } from "./streams.ts";
import { submission } from "./submission.ts";
import { type OpenStore, ROUTES, useDaemon } from "./support/fixture.ts";

/** The control plane's behaviour as its callers see it, the same on every store engine. */
export function httpSuite(name: string, openStore: OpenStore): void {
  describe(`HTTP on ${name}`, () => {
    describe("status", () => status(useDaemon(openStore, { routes: ROUTES })));

    describe("budgets", () => budgets(openStore));

    describe("lists", () => {
      const fixture = useDaemon(openStore);
      describe("of sessions", () => listSessions(fixture));
      describe("of runs", () => listRuns(fixture));
      lists(fixture);
    });

    describe("bad input", () => {
      const fixture = useDaemon(openStore, { maxBodyBytes: MAX_BODY_BYTES });
      describe("bodies", () => badBodies(fixture));
      describe("paths and queries", () => badTargets(fixture));
    });

    describe("the OpenAPI document", () => documented(useDaemon(openStore)));

    describe("runtime settings", () => {
      describe("each of them", () => runtimeSettings(useDaemon(openStore, { routes: ROUTES })));
      describe("policies and hooks", () => runtimePolicies(useDaemon(openStore)));
      describe("revisions", () => runtimeRevisions(useDaemon(openStore, { routes: ROUTES })));
      describe("permissions", () => permissionCheck(useDaemon(openStore)));
      describe("permission rules", () => permissionRules(useDaemon(openStore)));
      describe("fields that are null", () => nullFields(useDaemon(openStore, { env: withMasterKey })));
    });

    describe("a daemon that stays", () => {
      const fixture = useDaemon(openStore, { routes: ROUTES });
      describe("sessions", () => sessions(fixture));
      describe("the end of a session", () => sessionEnd(fixture));
      describe("session settings", () => settings(fixture));
      describe("what settings do", () => settingsEffects(fixture));
      describe("contracts", () => contracts(fixture));
      describe("goals", () => goals(fixture));
      describe("submission", () => submission(fixture));
      describe("inline input", () => input(fixture));
      describe("runs", () => runs(fixture));
      describe("the queue", () => queue(fixture));
      describe("cancel", () => cancelling(fixture));
      describe("interrupt", () => interrupting(fixture));
      describe("idempotency", () => idempotency(fixture));
      describe("decisions under a key", () => idempotentDecisions(fixture));
      describe("approvals", () => approvals(fixture));
      describe("refused decisions", () => approvalRefusals(fixture));
      describe("two callers who decide", () => approvalRaces(fixture));
      describe("approvals that expire", () => approvalExpiry(fixture));
      describe("questions", () => questions(fixture));
      describe("refused answers", () => questionRefusals(fixture));
      describe("the end of a question", () => questionEndings(fixture));
      describe("the permission mode", () => permissionMode(fixture));
      describe("streams", () => streams(fixture));
      describe("stream cursors", () => streamCursors(fixture));
      describe("stream options", () => streamOptions(fixture));
    });

    describe("secrets", () => secrets(openStore));
    describe("routes with a slot", () => slotRoutes(openStore));

    // All of a story in memory, and so little of it that every reader is behind.
    describe.each([2048, 4])("streams with %i events in memory", (eventHistoryCapacity) =>
      resume(useDaemon(openStore, { eventHistoryCapacity })),
    );

    describe("a daemon that is started again", () => {
      const fixture = useDaemon(openStore, { routes: ROUTES });
      describe("at rest", () => restartAtRest(fixture));
      describe("at work", () => restartAtWork(fixture));
    });
  });
}
