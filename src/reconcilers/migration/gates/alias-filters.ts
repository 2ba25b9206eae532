import { type Gate, worst } from './gate.ts';

/** Readers see an index through the filter and routing of the alias; a filter on a field that green renamed would hide everything. */
export const filtersAgree: Gate = {
  name: 'AliasFilters',
  judge: ({ pairs, bounds: { tolerance, ratio } }) => {
    const filtered = pairs.flatMap(({ alias, throughAlias }) => (throughAlias === undefined ? [] : [{ alias, ...throughAlias }]));
    if (filtered.length === 0) return { outcome: 'Pass', observed: 'no alias has a filter', bound: 'equal through the alias' };
    const bound = ratio === undefined ? `equal through the alias, tolerance ${tolerance}` : `green / blue from ${ratio.min} to ${ratio.max}`;
    return worst(
      filtered.map(({ alias, green, blue }) => ({
        // Both sides go on being written between the two counts, so this is a check of order, not of equality.
        outcome: blue > 0 && green === 0 ? 'Fail' : 'Pass',
        observed: `${alias}: ${green} in green, ${blue} in blue`,
        bound,
      })),
    );
  },
};
