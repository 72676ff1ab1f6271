import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";

/**
 * A server of the official SDK over streamable HTTP that lets in who shows a token of its authorization server: it asks
 * that server about each token (RFC 7662), says who lets one in (RFC 9728), and wants more scopes for what changes
 * something. Its effects, and the tokens that it
 * refused, are lines of a ledger.
 */
const [port = "0", directory = ".", issuer = "", client = ""] = process.argv.slice(2);
const METADATA = "/.well-known/oauth-protected-resource/mcp";
const write = (line: string) => appendFileSync(join(directory, "ledger"), `${line}\n`);

/** What each tool needs, beside what everybody needs. */
const NEEDS: Record<string, string> = { note: "tools:write" };
const HINTS = { look: { readOnlyHint: true }, note: { destructiveHint: true } };

function build(): McpServer {
  const server = new McpServer({ name: "protected", version: "1.0.0" }, { capabilities: { resources: {} } });
  for (const [tool, annotations] of Object.entries(HINTS)) {
    // Takes until the test lets it go on.
    server.registerTool(
      tool,
      { description: tool, inputSchema: z.object({ name: z.string() }), annotations },
      async ({ name }) => {
        write(`${tool} ${name}`);
        while (!existsSync(join(directory, "go"))) await new Promise((resolve) => setTimeout(resolve, 10));
        return { content: [{ type: "text", text: `${tool}: ${name}` }] };
      },
    );
  }
  server.registerResource("readme", "doc://readme", {}, async (uri) => ({
    contents: [{ uri: uri.href, text: "read me" }],
  }));
  return server;
}

/** Tokens that it does not take any more, though their issuer would. */
function isDenied(token: string): boolean {
  const file = join(directory, "denied");
  return existsSync(file) && readFileSync(file, "utf8").includes(token);
}

async function scopesOf(token: string): Promise<string[] | undefined> {
  const answer = await fetch(`${issuer}/token/introspection`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(client).toString("base64")}` },
    body: new URLSearchParams({ token }),
  });
  const {
    active,
    aud = [],
    scope = "",
  } = (await answer.json()) as {
    active: boolean;
    aud?: string | string[];
    scope?: string;
  };
  return active && [aud].flat().includes(resource) ? scope.split(" ") : undefined;
}

function challenge(status: number, parameters: string): Response {
  const header = `Bearer resource_metadata="${origin}${METADATA}"${parameters}`;
  return new Response(null, { status, headers: { "www-authenticate": header } });
}

const handler = createMcpHandler(build);

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === METADATA) {
    const document = {
      resource,
      authorization_servers: [issuer],
      scopes_supported: ["tools:read", "tools:write"],
    };
    return Response.json(document);
  }
  if (pathname !== "/mcp") return new Response(null, { status: 404 });
  const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return challenge(401, ', scope="tools:read"');
  const scopes = isDenied(token) ? undefined : await scopesOf(token);
  if (scopes === undefined) {
    write("refused 401");
    return challenge(401, ', error="invalid_token"');
  }
  const body = request.method === "POST" ? ((await request.clone().json()) as CallMessage) : {};
  const needed = body.method === "tools/call" ? NEEDS[body.params?.name ?? ""] : undefined;
  if (needed !== undefined && !scopes.includes(needed)) {
    write("refused 403");
    return challenge(403, `, error="insufficient_scope", scope="${needed}"`);
  }
  return handler.fetch(request);
}

interface CallMessage {
  method?: string;
  params?: { name?: string };
}

/** Any port that is free, unless it is told one; it says which. */
const server = createServer(getRequestListener(answer));
await new Promise<void>((resolve) => server.listen(Number(port), "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const resource = `${origin}/mcp`;
process.stdout.write(`${resource}\n`);
