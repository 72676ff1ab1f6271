import { describe } from "vitest";
import { approvals } from "./approvals.ts";
import { badInput } from "./bad-input.ts";
import { ending } from "./ending.ts";
import type { OpenStore } from "./fixture.ts";
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

/** The control plane's behaviour as its callers see it, the same on every store engine. */
export function httpSuite(name: string, openStore: OpenStore): void {
  describe(`HTTP on ${name}`, () => {
    describe("sessions", () => sessions(openStore));
    describe("session settings", () => settings(openStore));
    describe("submission", () => submission(openStore));
    describe("runs", () => runs(openStore));
    describe("cancel and interrupt", () => ending(openStore));
    describe("inline input", () => input(openStore));
    describe("idempotency", () => idempotency(openStore));
    describe("approvals", () => approvals(openStore));
    describe("questions", () => questions(openStore));
    describe("streams", () => streams(openStore));
    describe("resuming a stream", () => resume(openStore));
    describe("restart", () => restart(openStore));
    describe("bad input", () => badInput(openStore));
    describe("lists", () => lists(openStore));
    describe("status and runtime", () => status(openStore));
  });
}
