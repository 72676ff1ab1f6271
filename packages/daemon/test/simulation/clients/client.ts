import type { EndpointId } from "@kheish/contract";
import { type Answer, Disconnected, type Request } from "../world/network.ts";
import type { Owner } from "../world/scheduler.ts";
import type { World } from "../world/world.ts";

const RETRY_MS = 400;

/** Somebody outside who talks to the daemon, whichever it is and whenever it is there. */
export class Client implements Owner {
  readonly name: string;
  readonly alive = true;
  readonly world: World;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  sleep(ms: number): Promise<void> {
    return this.world.scheduler.sleep(ms, this, "client");
  }

  /** Asks until somebody answers: the daemon is back, or another one is there. */
  async insist(endpoint: EndpointId, request: Request = {}): Promise<Answer> {
    for (;;) {
      const answer = await this.once(endpoint, request);
      if (answer !== undefined) return answer;
      this.world.mark("client asks again");
      await this.sleep(RETRY_MS);
    }
  }

  /** Undefined when nobody knows what became of the request. */
  async once(endpoint: EndpointId, request: Request = {}): Promise<Answer | undefined> {
    try {
      const answer = await this.world.network.call(this, endpoint, request);
      // A run that failed is an answer, too.
      return answer.status >= 500 && answer.json.run_id === undefined ? undefined : answer;
    } catch (error) {
      if (!(error instanceof Disconnected)) throw error;
      return undefined;
    }
  }
}
