import { killSuite } from "./suite.ts";

killSuite("SQLite", async () => "sqlite");
