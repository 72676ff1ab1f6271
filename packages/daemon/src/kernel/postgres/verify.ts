import type { Stream } from "./journal-draft.ts";
import type { LeaseRow } from "./leases-draft.ts";
import { type Session, Statement } from "./statement.ts";

/**
 * Locks the rows, and divides by zero unless each of them is as it is given here. The CASE keeps to the order in which
 * every flush locks: leases before streams, by name.
 */
const verify = new Statement<[string[], (string | null)[], number[], number[], string[], number[]]>(
  "flush.verify",
  `SELECT 1 / (CASE WHEN (
     SELECT count(*) FROM (
       SELECT FROM leases
       JOIN unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS w (name, owner, token, expires_at_ms)
         ON leases.name = w.name AND leases.owner IS NOT DISTINCT FROM w.owner
           AND leases.token = w.token AND leases.expires_at_ms = w.expires_at_ms
       ORDER BY leases.name FOR UPDATE OF leases) AS same) = cardinality($1::text[])
   THEN (
     SELECT count(*) FROM (
       SELECT FROM streams JOIN unnest($5::text[], $6::bigint[]) AS w (name, last_seq)
         ON streams.name = w.name AND streams.last_seq = w.last_seq
       ORDER BY streams.name FOR UPDATE OF streams) AS same) = cardinality($5::text[])
   ELSE false END)::int`,
);

/** Fails as `stale` unless the rows are these. */
export async function verifyRows(
  session: Session,
  leases: readonly LeaseRow[],
  streams: readonly Stream[],
): Promise<void> {
  await verify.run(
    session,
    leases.map(({ name }) => name),
    leases.map(({ owner }) => owner),
    leases.map(({ token }) => token),
    leases.map(({ expiresAtMs }) => expiresAtMs),
    streams.map(({ name }) => name),
    streams.map(({ lastSeq }) => lastSeq),
  );
}
