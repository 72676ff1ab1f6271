import type { HttpBindings } from "@hono/node-server";

/** Ids for the log line of a request. */
export interface RequestAbout {
  session_id?: string;
  run_id?: string;
}

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
    /** What an admitted request is about. */
    about: RequestAbout | undefined;
  };
}
