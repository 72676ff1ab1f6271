import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Button, Skeleton } from "../ui/parts.tsx";
import { signOut, useSignedInAs } from "./client.ts";
import { type Connection, useLive } from "./live.ts";
import { announce, Notice } from "./notice.tsx";
import { Palette } from "./palette/palette.tsx";
import { isSignInNeeded, queryClient, statusQuery, waitingQuery } from "./queries.ts";
import { SignIn } from "./sign-in.tsx";
import { Unreachable } from "./unreachable.tsx";
import { ForWhoLooks } from "./who.tsx";

const PAGES = [
  { to: "/", name: "Dashboard" },
  { to: "/inbox", name: "Inbox" },
  { to: "/runs", name: "Runs" },
  { to: "/sessions", name: "Sessions" },
  { to: "/playground", name: "Playground" },
  { to: "/runtime", name: "Runtime" },
  { to: "/library", name: "Library" },
  { to: "/logs", name: "Logs" },
  { to: "/docs", name: "Docs" },
  { to: "/settings", name: "Settings" },
] as const;

/** Every page, once the daemon knows who looks. */
export function Shell() {
  const status = useQuery(statusQuery);
  if (isSignInNeeded(status.error)) return <SignIn />;
  if (status.error !== null && status.data === undefined)
    return <Unreachable error={status.error} onRetry={() => void status.refetch()} />;
  if (status.data === undefined)
    return (
      <main className="mx-auto max-w-sm p-8">
        <Skeleton />
      </main>
    );
  return <Frame />;
}

function Frame() {
  const connection = useLive();
  const isSignedIn = useSignedInAs() !== "";
  const waiting = useQuery(waitingQuery);
  const leave = async () => {
    await signOut().catch(() => announce("The daemon did not answer: you are still signed in."));
    await queryClient.resetQueries();
  };
  return (
    <div className="mx-auto min-h-dvh max-w-6xl md:grid md:grid-cols-[12rem_1fr]">
      <a
        href="#page"
        className="sr-only rounded-md border border-line bg-surface px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-10"
      >
        Skip to the page
      </a>
      <nav
        aria-label="Pages"
        className="print:hidden flex flex-wrap items-center gap-1 border-b border-line p-3 md:sticky md:top-0 md:block md:h-dvh md:overflow-y-auto md:border-0 md:p-4"
      >
        <p className="hidden pb-4 text-lg font-semibold md:block">Kheish</p>
        <Palette pages={PAGES} />
        {PAGES.map(({ to, name }) => (
          <Link
            key={to}
            to={to}
            className="flex items-center justify-between rounded-md px-3 py-2 text-soft hover:text-ink"
            activeProps={{ className: "bg-surface font-medium !text-ink" }}
            activeOptions={{ exact: to === "/" }}
          >
            {name}
            {name === "Inbox" && (waiting.data?.length ?? 0) > 0 && (
              <span className="ml-2 rounded-full bg-accent px-2 text-xs font-medium text-on-accent">
                {waiting.data?.length}
              </span>
            )}
          </Link>
        ))}
        {isSignedIn && (
          <Button className="md:mt-4" onClick={() => void leave()}>
            Sign out
          </Button>
        )}
      </nav>
      <main id="page" tabIndex={-1} className="min-w-0 p-4 outline-none">
        <Away connection={connection} />
        <Notice />
        <ForWhoLooks>
          <Outlet />
        </ForWhoLooks>
      </main>
    </div>
  );
}

function Away({ connection }: { connection: Connection }) {
  if (connection === "open" || connection === "connecting") return null;
  return (
    <p role="status" className="mb-4 rounded-md border border-wait p-3 text-wait">
      {connection === "lost"
        ? "The daemon is away. Runs go on when it is back, and so does this page."
        : "Nothing is told live here: this token may not watch the daemon."}
    </p>
  );
}
