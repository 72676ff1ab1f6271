import { usePostgres } from "./engines.ts";
import { newerSuite } from "./newer.ts";
import { resumeSuite } from "./resume.ts";

const engine = usePostgres();
resumeSuite(engine);
newerSuite(engine);
