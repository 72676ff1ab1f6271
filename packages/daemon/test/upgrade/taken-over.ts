import type { JsonObject, RunView } from "@kheish/contract";
import type { SseFrame } from "../../src/features/binding.ts";
import type { Store, StoredEvent } from "../../src/kernel/store.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";
import type { Place } from "./place.ts";
import { openWorld, type UpgradeWorld } from "./story.ts";

/** How long nobody was there: longer than any lease, shorter than any deadline. */
const DOWNTIME_MS = 60_000;
const EVERYTHING = 10_000;

/** Today's daemon on a store that another one left behind. */
export class TakenOver {
  readonly world: UpgradeWorld;
  readonly daemon: RiggedDaemon;
  /** The journal as it was found. */
  readonly found: readonly StoredEvent[];

  private constructor(world: UpgradeWorld, daemon: RiggedDaemon, found: readonly StoredEvent[]) {
    this.world = world;
    this.daemon = daemon;
    this.found = found;
  }

  static async boot(place: Place): Promise<TakenOver> {
    const world = await openWorld(place);
    await world.rig.clock.advance(DOWNTIME_MS);
    const found = world.options.store === undefined ? [] : await journalOf(world.options.store);
    return new TakenOver(world, await world.rig.boot(world.options), found);
  }

  session(id: string): TestSession {
    return new TestSession(this.daemon, id);
  }

  /** Runs of a session, oldest first. */
  async runs(sessionId: string): Promise<RunView[]> {
    return (await this.daemon.runs()).filter((run) => run.session_id === sessionId);
  }

  /** The first run of a session. */
  async run(sessionId: string): Promise<RunView> {
    const [run] = await this.runs(sessionId);
    if (run === undefined) throw new Error(`session '${sessionId}' has no run`);
    return run;
  }

  /** The first run of a session once it has got there. */
  async reaches(sessionId: string, status: RunView["status"]): Promise<RunView> {
    return this.session(sessionId).reaches((await this.run(sessionId)).run_id, status);
  }

  /** Nothing is left to do but what waits for people. */
  async atRest(): Promise<void> {
    await until("every run to end or to wait", async () =>
      (await this.daemon.runs()).every(({ status }) => status !== "queued" && status !== "running"),
    );
  }

  /** Submits under a key, as a caller does who does not know whether the first time got through. */
  async submit(sessionId: string, body: { content: string; idempotency_key: string }): Promise<RunView> {
    return this.session(sessionId).submit(body.content, body);
  }

  journal(): Promise<StoredEvent[]> {
    return journalOf(this.daemon.store);
  }

  /** What a consumer is sent that begins at cursor 0, up to the journal's present end. */
  async streamed(): Promise<SseFrame[]> {
    const binding = this.daemon.daemon.bindings.find(({ endpoint }) => endpoint === "eventsStream");
    const gone = new AbortController();
    const reply = await binding?.handle({
      params: {},
      query: { cursor: "0" } as never,
      body: undefined as never,
      principal: { id: "test", access: "read" },
      requestId: "req_test",
      signal: gone.signal,
    });
    const shown = (await this.journal()).filter(isShown);
    const head = String(shown.at(-1)?.position);
    const frames: SseFrame[] = [];
    if (reply === undefined || !("stream" in reply)) return frames;
    for await (const together of reply.stream) {
      frames.push(...together);
      if (frames.at(-1)?.id === head) gone.abort();
    }
    return frames;
  }

  async goal(): Promise<JsonObject> {
    return (await this.session("goal").call("getGoal")).json.goal as JsonObject;
  }

  close(): Promise<void> {
    return this.world.rig.cleanup();
  }
}

function journalOf(store: Store): Promise<StoredEvent[]> {
  return store.readAll({ afterPosition: 0, limit: EVERYTHING });
}

/** The audit is read by other means than streams. */
export function isShown({ stream }: StoredEvent): boolean {
  return !stream.startsWith("audit");
}
