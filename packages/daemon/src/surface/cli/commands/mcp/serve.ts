import { once } from "node:events";
import type { Command } from "commander";
import { packageVersion } from "../../../../kernel/package.ts";
import type { Cli } from "../../cli.ts";

/** Longer than the longest wait of a tool. */
const TIMEOUT_MS = 660_000;

/** `mcp serve`: the running daemon as an MCP server over standard streams, under this shell's token (03-A6). */
export function defineServe(mcp: Command, cli: Cli): void {
  mcp
    .command("serve")
    .description("Offer the running daemon to an MCP client, over standard input and output")
    .action(async () => {
      const { StdioServerTransport, serveStdio } = await import("@modelcontextprotocol/server/stdio");
      const { ControlPlane } = await import("../../../mcp/plane.ts");
      const { daemonMcpServer } = await import("../../../mcp/server.ts");
      const client = await cli.client();
      const plane = new ControlPlane((request) => client.exchange(request, TIMEOUT_MS));
      const { clock, terminal } = cli.context;
      const { input, output } = terminal.streams();
      const ended = once(input, "end");
      const handle = serveStdio(() => daemonMcpServer(plane, packageVersion(), clock.sleep), {
        transport: new StdioServerTransport(input, output),
      });
      await ended;
      await handle.close();
    });
}
