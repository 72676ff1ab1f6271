/** A clock that was set back brings a timer before its deadline: it has to come again, or the deadline is forgotten. */
export interface TooEarly {
  dueAtMs: number;
}
