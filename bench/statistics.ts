/** The value below which this share of the values lies (the nearest one that was observed). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
  if (found === undefined) throw new RangeError('there is no quantile of nothing');
  return found;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
