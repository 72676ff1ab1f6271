import { useSqlite } from "./engines.ts";
import { newerSuite } from "./newer.ts";
import { resumeSuite } from "./resume.ts";

const engine = useSqlite();
resumeSuite(engine);
newerSuite(engine);
