import { problem } from "@kheish/contract";
import { type Binding, bind } from "../../features/binding.ts";

/** Liveness and readiness, for whoever restarts and balances daemons; no auth (01, Probes; 01-R99). */
export function probes(readiness: () => boolean): Binding[] {
  return [
    bind("healthz", async () => ({ status: 200, text: "ok\n" })),
    bind("readyz", async () => {
      if (readiness()) return { status: 200, text: "ready\n" };
      throw problem("readiness", "daemon_draining", "the daemon is draining");
    }),
  ];
}
