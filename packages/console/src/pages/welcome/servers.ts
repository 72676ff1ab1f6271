import type { Json } from "@kheish/sdk";

export interface FeaturedServer {
  name: string;
  title: string;
  description: string;
  /** What is asked for, and where one gets it. */
  credential: string;
  from: string;
  /** The server's entry; its credential is in this slot. */
  entry: (slot: string) => Record<string, Json>;
}

/** 08, First-run wizard: what most agents want to reach first. */
export const FEATURED: readonly FeaturedServer[] = [
  {
    name: "github",
    title: "GitHub",
    description: "Repositories, issues, pull requests",
    credential: "Personal access token",
    from: "github.com/settings/tokens",
    entry: (slot) => ({ url: "https://api.githubcopilot.com/mcp/", bearer_token_secret_ref: slot }),
  },
  {
    name: "linear",
    title: "Linear",
    description: "Issues and projects",
    credential: "API key",
    from: "linear.app/settings/account/security",
    entry: (slot) => ({ url: "https://mcp.linear.app/mcp", bearer_token_secret_ref: slot }),
  },
  {
    name: "notion",
    title: "Notion",
    description: "Pages and databases",
    credential: "Integration token",
    from: "notion.so/profile/integrations",
    entry: (slot) => ({
      command: "npx",
      args: ["-y", "@notionhq/notion-mcp-server"],
      env_secret_refs: { NOTION_TOKEN: slot },
      startup_timeout_sec: 60,
    }),
  },
  {
    name: "brave-search",
    title: "Brave Search",
    description: "The web",
    credential: "API key",
    from: "api-dashboard.search.brave.com",
    entry: (slot) => ({
      command: "npx",
      args: ["-y", "@brave/brave-search-mcp-server"],
      env_secret_refs: { BRAVE_API_KEY: slot },
      startup_timeout_sec: 60,
    }),
  },
];
