import type { DefaultRoute, RouteResolver } from "../../../engine/index.ts";

/** The daemon's routes with the default that an operator chose, as it is at each question (02-R34). */
export function withDefault(routes: RouteResolver, chosen: () => DefaultRoute | undefined): RouteResolver {
  return {
    resolve: (selection) => routes.resolve(selection, chosen()),
    prepare: (selection) => routes.prepare?.(selection, chosen()),
    routes: () => routes.routes(chosen()),
    readiness: () => routes.readiness(chosen()),
  };
}
