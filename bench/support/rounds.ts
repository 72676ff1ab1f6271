export const ROUNDS = 5;

/**
 * Each side's rounds, taken in turn: what the machine does beside us then hits all of them alike.
 */
export async function alternate<S, R>(
  sides: readonly S[],
  rounds: number,
  play: (side: S, round: number) => Promise<R>,
): Promise<Map<S, R[]>> {
  const results = new Map<S, R[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [side, played] of results) played.push(await play(side, round));
  }
  return results;
}
