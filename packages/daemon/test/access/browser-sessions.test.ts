import { browserSessionSuite } from "./browser-sessions-suite.ts";

browserSessionSuite(async () => ({ store: "sqlite" }));
