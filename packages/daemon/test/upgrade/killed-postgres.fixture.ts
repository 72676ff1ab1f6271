/** A process that migrates a store to the made-up next version, and is held up after so many statements of that. */
import { Connector } from "../../src/kernel/postgres/connector.ts";
import { MIGRATIONS } from "../../src/kernel/postgres/migrations.ts";
import { migrate } from "../../src/kernel/postgres/schema.ts";
import { POSTGRES_NEXT, withNext } from "./next-version.ts";

const [url = "", statements = "", lock = ""] = process.argv.slice(2);
const wait = `SELECT pg_advisory_xact_lock(${lock})`;
const next = withNext(MIGRATIONS, POSTGRES_NEXT.toSpliced(Number(statements), 0, wait));
await migrate(new Connector(url, "kheish"), 0, next);
