import type { DocsManifest } from "@kheish/sdk";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Link, useLocation, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { kheish } from "../../app/client.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Empty, Title } from "../../ui/parts.tsx";
import { FOREVER } from "./forever.ts";
import { Markdown } from "./markdown.tsx";

const manifestQuery = queryOptions({
  queryKey: ["docs"],
  queryFn: ({ signal }) => kheish().api.docsManifest({ signal }),
  ...FOREVER,
});
const pageQuery = (path: string) =>
  queryOptions({
    queryKey: ["docs", path],
    queryFn: ({ signal }) => kheish().api.docsPage({ params: { path }, signal }),
    ...FOREVER,
  });

/** The documentation of the daemon that runs. */
export function Docs() {
  const { _splat: asked } = useParams({ strict: false });
  return (
    <Loaded query={useQuery(manifestQuery)}>
      {(manifest) => {
        const path = asked || manifest.groups[0]?.pages[0]?.path;
        if (path === undefined) return <Empty>This build has no documentation.</Empty>;
        return (
          <div className="grid items-start gap-6 lg:grid-cols-[13rem_minmax(0,1fr)]">
            <Contents manifest={manifest} current={path} />
            <Page path={path} />
          </div>
        );
      }}
    </Loaded>
  );
}

/** The pages by group; while something is looked for, those whose title or description has it. */
function Contents({ manifest, current }: { manifest: DocsManifest; current: string }) {
  const [wanted, setWanted] = useState("");
  const needle = wanted.trim().toLowerCase();
  const groups = manifest.groups
    .map(({ group, pages }) => ({
      group,
      pages: pages.filter(({ title, description = "" }) =>
        `${title}\n${description}`.toLowerCase().includes(needle),
      ),
    }))
    .filter(({ pages }) => pages.length > 0);
  return (
    <nav aria-label="Documentation" className="grid gap-3">
      <input
        type="search"
        aria-label="Search titles"
        placeholder="Search titles"
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
        className="w-full rounded-md border border-line bg-surface px-3 py-2"
      />
      {groups.length === 0 && <p className="text-soft">No page is called so.</p>}
      <div className="grid gap-3 max-lg:max-h-56 max-lg:overflow-y-auto">
        {groups.map(({ group, pages }) => (
          <div key={group}>
            <p className="px-2 pb-1 text-xs font-semibold uppercase tracking-wide text-soft">{group}</p>
            <ul>
              {pages.map(({ path, title }) => (
                <li key={path}>
                  <Link
                    to="/docs/$"
                    params={{ _splat: path }}
                    aria-current={path === current ? "page" : undefined}
                    className="block rounded-md px-2 py-1 text-soft hover:text-ink aria-[current]:bg-surface aria-[current]:font-medium aria-[current]:text-ink"
                  >
                    {title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </nav>
  );
}

function Page({ path }: { path: string }) {
  const query = useQuery(pageQuery(path));
  const { hash } = useLocation();
  // The heading that the address names is there only when the page is.
  useEffect(() => {
    if (query.data === undefined) return;
    if (hash === "") window.scrollTo(0, 0);
    else document.getElementById(hash)?.scrollIntoView();
  }, [hash, query.data]);
  return (
    <article className="min-w-0">
      <Loaded query={query}>
        {({ title, content }) => (
          <>
            <Title>{title}</Title>
            <Markdown page={path}>{withoutTitle(content)}</Markdown>
          </>
        )}
      </Loaded>
    </article>
  );
}

/** The page says its title already. */
function withoutTitle(content: string): string {
  return content.replace(/^\s*# .*$/m, "");
}
