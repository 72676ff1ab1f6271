import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject, RouteListView, RuntimeSettingsView, RunView } from "@kheish/contract";
import { afterEach } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { type Answer, ask } from "../support/ask.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

/** A served daemon and the calls that these tests make of it. */
export class RouteControl {
  readonly daemon: ServedDaemon;

  constructor(daemon: ServedDaemon) {
    this.daemon = daemon;
  }

  call<T = JsonObject>(method: string, path: string, body?: object): Promise<Answer<T>> {
    return ask<T>(this.daemon, method, path, body);
  }

  async list(): Promise<RouteListView> {
    return (await this.call<RouteListView>("GET", "/v1/runtime/routes")).body;
  }

  async ids(): Promise<string[]> {
    return (await this.list()).routes.map(({ route_id }) => route_id);
  }

  add(route: object) {
    return this.call<RuntimeSettingsView>("POST", "/v1/runtime/routes", route);
  }

  remove(id: string, query = "") {
    return this.call<RuntimeSettingsView>("DELETE", `/v1/runtime/routes/${id}${query}`);
  }

  reload(body: object = {}) {
    return this.call("POST", "/v1/runtime/routes/reload", body);
  }

  /** Submits and answers at once. */
  async submit(session: string, content: string, more: object = {}): Promise<Answer<RunView>> {
    await this.call("POST", "/v1/sessions", { session_id: session });
    return this.call<RunView>("POST", `/v1/sessions/${session}/runs`, { content, ...more });
  }

  /** The run once it has one of these statuses. */
  async reaches(runId: string, ...statuses: RunView["status"][]): Promise<RunView> {
    for (;;) {
      const { body } = await this.call<RunView>("GET", `/v1/runs/${runId}`);
      if (statuses.includes(body.status)) return body;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async plays(session: string, content: string, more: object = {}): Promise<RunView> {
    const { body } = await this.submit(session, content, more);
    return this.reaches(body.run_id, "completed", "failed");
  }

  writeRoutes(text: string): Promise<void> {
    return writeFile(join(this.daemon.directory, "routes.toml"), text);
  }

  cli(...argv: string[]) {
    return kheish(["--base-url", this.daemon.baseUrl, ...argv], { workingDirectory: this.daemon.directory });
  }
}

/** Starts daemons that are gone after each test. */
export function useServed(): (options?: Partial<ServedOptions>) => Promise<RouteControl> {
  const started: ServedDaemon[] = [];
  afterEach(async () => {
    for (const daemon of started.splice(0)) await daemon.remove();
  });
  return async (options = {}) => {
    const daemon = await ServedDaemon.start({ store: "sqlite", ...options });
    started.push(daemon);
    return new RouteControl(daemon);
  };
}
