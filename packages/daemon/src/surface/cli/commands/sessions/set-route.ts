import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { addGenerationFlags, type GenerationFlags, generationFrom } from "../../flags/generation.ts";
import { selectRoute } from "../../flags/route-selection.ts";
import { sessionDetail } from "../../views/session.ts";

interface Flags extends GenerationFlags {
  provider?: string;
  clear?: boolean;
}

export function defineSetRoute(sessions: Command, cli: Cli): void {
  const setRoute = sessions
    .command("set-route <session_id>")
    .description("Set the session's default route and generation settings, for later runs")
    .option("--provider <route>", "route id")
    .option("--clear", "go back to the daemon's default");
  addGenerationFlags(setRoute).action(async (sessionId: string, flags: Flags) => {
    const generation = await generationFrom(flags, cli.context);
    const empty = flags.provider === undefined && generation === undefined;
    if (empty !== Boolean(flags.clear)) throw new UsageError("give a route or generation flags, or --clear");
    const client = await cli.client();
    const params = { session_id: sessionId };
    const session = flags.clear
      ? await client.call("deleteRoutePolicy", { params })
      : await client.call("putRoutePolicy", {
          params,
          body: { route_policy: await selectRoute(client, flags.provider, generation) },
        });
    cli.output.print(session, sessionDetail);
  });
}
