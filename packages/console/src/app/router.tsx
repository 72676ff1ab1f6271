import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
import { ChatPage } from "../pages/chat/page.tsx";
import { Dashboard } from "../pages/dashboard/page.tsx";
import { Inbox } from "../pages/inbox/page.tsx";
import { Playground } from "../pages/playground/page.tsx";
import { RunPage } from "../pages/run/page.tsx";
import { Runs } from "../pages/runs.tsx";
import { Sessions } from "../pages/sessions.tsx";
import { Welcome } from "../pages/welcome/page.tsx";
import { Empty } from "../ui/parts.tsx";
import { Shell } from "./shell.tsx";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Empty>There is no such page.</Empty>,
});
const at = <Path extends string>(path: Path, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => root, path, component });

/** A page more is a line more. */
const routeTree = root.addChildren([
  at("/", Dashboard),
  at("/inbox", Inbox),
  at("/runs", Runs),
  at("/runs/$runId", RunPage),
  at("/sessions", Sessions),
  at("/sessions/$sessionId/chat", ChatPage),
  at("/playground", Playground),
  at("/playground/$benchId", Playground),
  at("/welcome", Welcome),
  at("/welcome/$step", Welcome),
]);

export const router = createRouter({ routeTree });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
