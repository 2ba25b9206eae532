/** A rate as people read it: `84k`, `1.2k`, `17`. */
export const humanRate = (perSecond: number): string =>
  perSecond >= 10_000 ? `${Math.round(perSecond / 1_000)}k` : perSecond >= 1_000 ? `${(perSecond / 1_000).toFixed(1)}k` : `${Math.round(perSecond)}`;
