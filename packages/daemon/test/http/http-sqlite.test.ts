import { httpSuite } from "./suite.ts";

httpSuite("SQLite", async () => "sqlite");
