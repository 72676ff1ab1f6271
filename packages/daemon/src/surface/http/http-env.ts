import type { HttpBindings } from "@hono/node-server";

/** What Hono carries along with a request of ours. */
export interface HttpEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** The path template of the endpoint that took the request; unset while none has. */
    route: string | undefined;
    /** Where the request comes from, behind proxies that are trusted. */
    clientAddress: string | undefined;
    /** Who was admitted; unset while nobody has been. */
    principal: string | undefined;
  };
}
