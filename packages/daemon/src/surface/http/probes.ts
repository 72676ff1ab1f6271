import { problem } from "@kheish/contract";
import { type Binding, bind } from "../../features/binding.ts";

/** Liveness and readiness, for whoever restarts and balances daemons; no auth (01, Probes; 01-R99). */
export function probes(readiness: () => boolean, isRootHeld: () => boolean = () => true): Binding[] {
  return [
    bind("healthz", async () => ({ status: 200, text: "ok\n" })),
    bind("readyz", async () => {
      if (!readiness()) throw problem("readiness", "daemon_draining", "the daemon is draining");
      if (!isRootHeld())
        throw problem("readiness", "state_root_lost", "the state root was moved, deleted or replaced");
      return { status: 200, text: "ready\n" };
    }),
  ];
}
