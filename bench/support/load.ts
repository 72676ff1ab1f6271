export interface Load {
  perSecond: number;
  /** Of each piece of work, in ms. */
  latencies: number[];
}

/** `total` pieces of work, `atOnce` of them at any time: a new one begins when one ends. */
export async function closedLoop(
  atOnce: number,
  total: number,
  work: (index: number) => Promise<unknown>,
): Promise<Load> {
  const latencies: number[] = [];
  let next = 0;
  const begun = performance.now();
  const worker = async () => {
    while (next < total) {
      const start = performance.now();
      await work(next++);
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, total) }, worker));
  return { perSecond: total / ((performance.now() - begun) / 1000), latencies };
}
