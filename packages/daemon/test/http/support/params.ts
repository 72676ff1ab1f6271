/** The parameter of an endpoint of a session. */
export const at = (session_id: string) => ({ params: { session_id } });

/** The parameter of an endpoint of a run. */
export const of = (run_id: string) => ({ params: { run_id } });
