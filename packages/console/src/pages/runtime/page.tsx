import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Empty, Title } from "../../ui/parts.tsx";
import { Budgets } from "./budgets.tsx";
import { Hooks } from "./hooks.tsx";
import { McpServers } from "./mcp.tsx";
import { Permissions } from "./permissions/tab.tsx";
import { Revisions } from "./revisions.tsx";
import { Routes } from "./routes.tsx";
import { Secrets } from "./secrets.tsx";
import { Tokens } from "./tokens.tsx";

interface Tab {
  path: string;
  name: string;
  show: () => ReactNode;
}

const FIRST: Tab = { path: "routes", name: "Routes", show: Routes };
const TABS: readonly Tab[] = [
  FIRST,
  { path: "mcp", name: "MCP servers", show: McpServers },
  { path: "secrets", name: "Secrets", show: Secrets },
  { path: "permissions", name: "Permissions", show: Permissions },
  { path: "budgets", name: "Budgets", show: Budgets },
  { path: "tokens", name: "Tokens", show: Tokens },
  { path: "settings", name: "Revisions", show: Revisions },
  { path: "hooks", name: "Hooks", show: Hooks },
];

/** What the daemon works with; each change is one call of its API. */
export function Runtime() {
  const { tab = FIRST.path } = useParams({ strict: false });
  const open = TABS.find(({ path }) => path === tab);
  return (
    <>
      <Title>Runtime</Title>
      <nav aria-label="Runtime" className="mb-4 flex flex-wrap gap-1 border-b border-line">
        {TABS.map(({ path, name }) => (
          <Link
            key={path}
            to="/runtime/$tab"
            params={{ tab: path }}
            aria-current={path === tab ? "page" : undefined}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-soft hover:text-ink aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-ink"
          >
            {name}
          </Link>
        ))}
      </nav>
      {open === undefined ? <Empty>There is no such page.</Empty> : <open.show key={tab} />}
    </>
  );
}
