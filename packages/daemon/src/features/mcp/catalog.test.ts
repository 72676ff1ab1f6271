import { describe, expect, it } from "vitest";
import { CATALOG, CATALOG_PROFILES } from "./catalog.ts";
import { catalogServers } from "./catalog-servers.ts";

/** 03, MCP catalog entry view, as the page has it: id, server, category, profiles, status, risk, auth. */
const TABLE = `
openai-docs openaiDeveloperDocs documentation docs supported read_only_docs none
microsoft-learn microsoftLearn documentation docs supported read_only_docs none
cloudflare-docs cloudflareDocs documentation docs,deploy-infra supported read_only_docs none
cloudflare-agents-docs cloudflareAgentsDocs documentation docs,deploy-infra supported read_only_docs none
github github repository repo catalog_only read_mostly_workspace bearer
gitlab gitlab repository repo supported read_mostly_workspace optional_bearer
linear linear planning planning supported account_read_write optional_bearer
notion notion knowledge knowledge catalog_only account_read_write o_auth
atlassian atlassian planning planning,knowledge catalog_only account_read_write o_auth
slack slack communication communication catalog_only account_read_write o_auth_client_app
playwright playwright browser browser-ui catalog_only browser_automation none
sentry sentry observability observability catalog_only account_read_write bearer
neon neon data data-dev supported infrastructure_mutation optional_bearer
vercel vercel deployment deploy-infra catalog_only infrastructure_mutation o_auth
cloudflare-api cloudflareApi infrastructure deploy-infra supported infrastructure_mutation optional_bearer
stripe stripe business business supported account_read_write optional_bearer
figma figma design business catalog_only read_mostly_workspace o_auth
`;
const PROFILES =
  "docs repo planning knowledge communication browser-ui observability data-dev deploy-infra business";

describe("03, MCP catalog", () => {
  it("has the entries and profiles of the specification", () => {
    const rows = CATALOG.map((entry) =>
      [
        entry.id,
        entry.server_name,
        entry.category,
        entry.profiles.join(","),
        entry.status,
        entry.risk,
        entry.auth,
      ].join(" "),
    );
    expect(rows).toEqual(TABLE.trim().split("\n"));
    expect(CATALOG_PROFILES.map(({ id }) => id).join(" ")).toBe(PROFILES);
    for (const entry of CATALOG)
      expect(entry.credential_secret_refs).toEqual(
        entry.credential_env.map((env) => `mcp.${entry.id}.${env}`),
      );
  });

  it("03-R63: takes credentials from slots, and goes without where they are optional", () => {
    const [gitlab] = catalogServers(["repo"], () => "missing");
    expect(gitlab).toMatchObject({ name: "gitlab", profiles: ["repo"], catalogEntryId: "gitlab" });
    expect(gitlab?.entry).not.toHaveProperty("bearer_token_secret_ref");
    const [withKey] = catalogServers(["repo"], () => "usable");
    expect(withKey?.entry.bearer_token_secret_ref).toBe("mcp.gitlab.GITLAB_TOKEN");
    expect(withKey?.entry).not.toHaveProperty("bearer_token_env_var");
  });

  it("03-R61: leaves out whose slot was revoked, and keeps stripe to its documentation", () => {
    expect(catalogServers(["repo"], () => "revoked")).toEqual([]);
    const [stripe] = catalogServers(["business"], () => "missing");
    expect(stripe?.entry.enabled_tools).toEqual(["search_stripe_documentation"]);
  });
});
