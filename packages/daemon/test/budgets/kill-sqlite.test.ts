import { budgetKillSuite } from "./kill-suite.ts";

budgetKillSuite("SQLite", 1, async () => "sqlite");
