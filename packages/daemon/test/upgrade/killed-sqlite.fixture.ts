/** A process that migrates a store to the made-up next version and dies after so many statements of that. */
import { systemClock } from "../../src/kernel/clock.ts";
import { openDatabase } from "../../src/kernel/sqlite/database.ts";
import { MIGRATIONS } from "../../src/kernel/sqlite/migrations.ts";
import { migrate } from "../../src/kernel/sqlite/schema.ts";
import { SQLITE_NEXT, withNext } from "./next-version.ts";

const [path = "", statements = ""] = process.argv.slice(2);
const { db } = openDatabase(path, systemClock);
// Nothing is kept back: what was done so far is in the log already.
db.exec("PRAGMA cache_size = 1");
db.function("die", () => Number(process.kill(process.pid, "SIGKILL")));
migrate(db, path, 0, withNext(MIGRATIONS, SQLITE_NEXT.toSpliced(Number(statements), 0, "SELECT die()")));
