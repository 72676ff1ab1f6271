import { describe } from "vitest";
import { approvalExpiry } from "./approval-expiry.ts";
import { approvalRaces } from "./approval-races.ts";
import { approvalRefusals } from "./approval-refusals.ts";
import { approvals } from "./approvals.ts";
import { badInput } from "./bad-input.ts";
import { contracts } from "./contracts.ts";
import { ending } from "./ending.ts";
import { goals } from "./goals.ts";
import { idempotency } from "./idempotency.ts";
import { input } from "./input.ts";
import { lists } from "./lists.ts";
import { questions } from "./questions.ts";
import { restart } from "./restart.ts";
import { resume } from "./resume.ts";
import { runs } from "./runs.ts";
import { sessions } from "./sessions.ts";
import { settings } from "./settings.ts";
import { status } from "./status.ts";
import { streams } from "./streams.ts";
import { submission } from "./submission.ts";
import { type OpenStore, ROUTES, useDaemon } from "./support/fixture.ts";

/** The control plane's behaviour as its callers see it, the same on every store engine. */
export function httpSuite(name: string, openStore: OpenStore): void {
  describe(`HTTP on ${name}`, () => {
    describe("one daemon for all", () => {
      const fixture = useDaemon(openStore, { routes: ROUTES });
      describe("sessions", () => sessions(fixture));
      describe("session settings", () => settings(fixture));
      describe("contracts", () => contracts(fixture));
      describe("goals", () => goals(fixture));
      describe("submission", () => submission(fixture));
      describe("inline input", () => input(fixture));
      describe("cancel and interrupt", () => ending(fixture));
      describe("idempotency", () => idempotency(fixture));
      describe("approvals", () => approvals(fixture));
      describe("refused decisions", () => approvalRefusals(fixture));
      describe("two callers who decide", () => approvalRaces(fixture));
      describe("approvals that expire", () => approvalExpiry(fixture));
      describe("questions", () => questions(fixture));
      describe("streams", () => streams(fixture));
    });
    describe("runs", () => runs(useDaemon(openStore, { permissionMode: "bypassPermissions" })));
    describe("bad input", () => badInput(useDaemon(openStore, { maxBodyBytes: 64 * 1024 })));
    describe("lists", () => lists(useDaemon(openStore)));
    describe("status and runtime", () => status(useDaemon(openStore, { routes: ROUTES })));
    describe("resuming a stream", () => resume(openStore));
    describe("restart", () => restart(useDaemon(openStore, { routes: ROUTES })));
  });
}
