/** Of the build that runs: it does not change while this page is open. */
export const FOREVER = { staleTime: Number.POSITIVE_INFINITY };
