import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { DaemonRefusal } from "../../client/errors.ts";
import { UsageError } from "../../errors.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { slotDetail } from "../../views/slot.ts";
import { refreshAccount, revokeAccount } from "../runtime/accounts.ts";

interface SlotFlag {
  slot?: string;
}

interface Flags extends SlotFlag {
  url?: string;
  clientId?: string;
  clientSecret?: string;
  clientSecretEnv?: string;
  clientSecretFile?: string;
  clientSecretStdin?: boolean;
  scopes?: string[];
  device?: boolean;
  open: boolean;
  callbackPort: number;
  timeoutSec: number;
  allowHttpForLoopback?: boolean;
}

/** 02-R52. */
const slotOf = (id: string, { slot }: SlotFlag) => slot ?? `mcp.oauth.${id}`;

/** Accounts at MCP servers (02 and 03, CLI). */
export function defineOAuth(mcp: Command, cli: Cli): void {
  const oauth = mcp.command("oauth").description("Accounts at MCP servers, which the daemon keeps signed in");
  const verb = (name: string, description: string) =>
    oauth
      .command(`${name} <id>`)
      .description(description)
      .option("--slot <slot>", "where the account is (default: mcp.oauth.<id>)");

  verb(
    "login",
    "Log in at the authorization server that an MCP server trusts, and keep the account in the daemon",
  )
    .option("--url <url>", "the MCP server (default: that of the account in the slot)")
    .option("--client-id <id>", "a client registered there, or the URL of a client id metadata document")
    .option("--client-secret <secret>", "of that client; other users of the machine can see it meanwhile")
    .option("--client-secret-env <name>", "the same, from a variable")
    .option("--client-secret-file <path>", "the same, from a file")
    .option("--client-secret-stdin", "the same, from standard input")
    .option("--scopes <a,b>", "what to ask for (default: what the MCP server says it needs)", list)
    .option("--device", "log in with a code, on any other machine")
    .option("--no-open", "print where to log in, and open no browser")
    .option("--callback-port <port>", "where the browser comes back to (default: any)", wholeNumber(0), 0)
    .option("--timeout-sec <seconds>", "how long to wait for the person", wholeNumber(1), 600)
    .option("--allow-http-for-loopback", "let http go to servers on this machine")
    .action((id: string, flags: Flags) => logIn(cli, id, flags));

  verb("status", "One account, never its tokens").action(async (id: string, flags: SlotFlag) => {
    const client = await cli.client();
    cli.output.print(await client.call("getAccount", { params: { slot: slotOf(id, flags) } }), slotDetail);
  });
  verb("refresh", "Get a new token now, at most once in 5 s").action((id: string, flags: SlotFlag) =>
    refreshAccount(cli, slotOf(id, flags)),
  );
  verb("logout", "Give the tokens back to the authorization server and delete the account").action(
    (id: string, flags: SlotFlag) => revokeAccount(cli, slotOf(id, flags)),
  );
  oauth
    .command("client-metadata <url>")
    .description("The client id metadata document to put up at a URL that then is a --client-id")
    .action(async (url: string) => {
      const isPlace =
        URL.canParse(url) && new URL(url).protocol === "https:" && new URL(url).pathname !== "/";
      if (!isPlace) throw new UsageError(`give the https URL, with a path, where it will be, not '${url}'`);
      const { clientMetadata } = await import("../../oauth/client.ts");
      cli.output.raw(`${JSON.stringify(clientMetadata(url), undefined, 2)}\n`);
    });
}

async function logIn(cli: Cli, id: string, flags: Flags): Promise<void> {
  const slot_id = slotOf(id, flags);
  if (!slot_id.startsWith("mcp.oauth.")) throw new UsageError("--slot has to begin with 'mcp.oauth.'");
  const { context, output } = cli;
  const secret = await clientSecret(cli, flags);
  const daemon = await cli.client();
  const target = flags.url ?? (await knownResource(cli, slot_id));

  const [{ discover }, { logInWithBrowser, logInWithDevice }] = await Promise.all([
    import("../../oauth/discovery.ts"),
    import("../../oauth/login.ts"),
  ]);
  const ports = {
    fetch: globalThis.fetch,
    now: () => context.clock.now(),
    allowHttpForLoopback: flags.allowHttpForLoopback === true,
  };
  const found = await discover(target, ports);
  const request = {
    found,
    client: { id: flags.clientId, secret },
    scopes: [...new Set(flags.scopes ?? found.scopes)].sort(),
    timeoutMs: flags.timeoutSec * 1_000,
    clock: context.clock,
    ports,
  };
  const tell = (prompt: object) => context.terminal.err(`${output.json({ ...prompt, slot_id })}\n`);
  const { client, tokens } =
    flags.device === true
      ? await logInWithDevice(request, tell)
      : await logInWithBrowser({ ...request, callbackPort: flags.callbackPort }, (prompt) => {
          tell(prompt);
          if (flags.open) context.host.openUrl(prompt.authorization_url);
        });

  const { server, resource } = found;
  const { access_token, refresh_token, expires_at_ms, scopes = request.scopes } = tokens;
  const slot = await daemon.call("importMcpAccount", {
    body: {
      slot_id,
      server_name: id,
      resource,
      issuer: server.issuer,
      authorization_endpoint: server.authorization_endpoint,
      token_endpoint: server.token_endpoint,
      client_id: client.party.client_id,
      client_secret: client.secret ?? null,
      access_token,
      scopes: [...scopes],
      ...(client.method === undefined ? {} : { token_endpoint_auth_method: client.method }),
      ...(server.revocation_endpoint === undefined
        ? {}
        : { revocation_endpoint: server.revocation_endpoint }),
      ...(refresh_token === undefined ? {} : { refresh_token }),
      ...(expires_at_ms === undefined ? {} : { expires_at_ms }),
    },
  });
  output.print(slot, slotDetail);
}

/** A second login goes where the first one went. */
async function knownResource(cli: Cli, slot: string): Promise<string> {
  const client = await cli.client();
  try {
    const { details } = await client.call("getAccount", { params: { slot } });
    if (typeof details?.resource === "string") return details.resource;
  } catch (error) {
    if (!(error instanceof DaemonRefusal) || error.status !== 404) throw error;
  }
  throw new UsageError(`there is no account in '${slot}' yet: name its MCP server with --url`);
}

async function clientSecret(cli: Cli, flags: Flags): Promise<string | undefined> {
  const { clientSecret: value, clientSecretEnv, clientSecretFile, clientSecretStdin } = flags;
  const given = [value, clientSecretEnv, clientSecretFile, clientSecretStdin].filter(
    (one) => one !== undefined,
  );
  if (given.length === 0) return undefined;
  if (given.length > 1) throw new UsageError("give the client secret once");
  const { context } = cli;
  const read = async () => {
    if (value !== undefined) return value;
    if (clientSecretEnv !== undefined) return context.env[clientSecretEnv] ?? "";
    const text =
      clientSecretFile === undefined
        ? await context.terminal.readInput()
        : await readTextFile(clientSecretFile, context);
    return text.replace(/\r?\n$/, "");
  };
  const secret = await read();
  if (secret.trim() === "") throw new UsageError("the client secret is blank");
  return secret;
}

function list(text: string): string[] {
  return text.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
}
