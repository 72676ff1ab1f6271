import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouteComponent,
} from "@tanstack/react-router";
import { ChatPage } from "../pages/chat/page.tsx";
import { Dashboard } from "../pages/dashboard/page.tsx";
import { Inbox } from "../pages/inbox/page.tsx";
import { Playground } from "../pages/playground/page.tsx";
import { RunPage } from "../pages/run/page.tsx";
import { Runs } from "../pages/runs.tsx";
import { Sessions } from "../pages/sessions.tsx";
import { Welcome } from "../pages/welcome/page.tsx";
import { Empty, Title } from "../ui/parts.tsx";
import { Shell } from "./shell.tsx";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <>
      <Title>No such page</Title>
      <Empty>Nothing is at this address. What there is stands in the menu.</Empty>
    </>
  ),
});
const at = <Path extends string>(path: Path, component: RouteComponent) =>
  createRoute({ getParentRoute: () => root, path, component });

/** Pages that nobody needs at once are loaded when they are asked for. */
const Docs = lazyRouteComponent(() => import("../pages/docs/page.tsx"), "Docs");
const Library = lazyRouteComponent(() => import("../pages/library.tsx"), "Library");
const Logs = lazyRouteComponent(() => import("../pages/logs/page.tsx"), "Logs");
const Runtime = lazyRouteComponent(() => import("../pages/runtime/page.tsx"), "Runtime");
const Settings = lazyRouteComponent(() => import("../pages/settings.tsx"), "Settings");

/** A page more is a line more. */
const routeTree = root.addChildren([
  at("/", Dashboard),
  at("/inbox", Inbox),
  at("/runs", Runs),
  at("/runs/$runId", RunPage),
  at("/sessions", Sessions),
  at("/sessions/$sessionId/chat", ChatPage),
  at("/runtime", Runtime),
  at("/runtime/$tab", Runtime),
  at("/library", Library),
  at("/logs", Logs),
  at("/docs", Docs),
  at("/docs/$", Docs),
  at("/settings", Settings),
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
