import { describe, expect, test } from 'vitest';
import { fullScale, quickScale } from '../row.ts';
import { allRows, chooseRows } from './mod.ts';

const namesOf = (names: string[]): string[] => chooseRows(names).map(({ name }) => name);

describe('rows', () => {
  test('are chosen by name, or by what several names begin with', () => {
    expect(namesOf(['put-1'])).toEqual(['put-1']);
    expect(namesOf(['put'])).toEqual(['put-1', 'put-100', 'put-1000']);
  });

  test('are all measured when none is named, but for the large ones', () => {
    expect(chooseRows([])).toEqual(allRows.filter(({ isLarge }) => !isLarge));
    expect(chooseRows([], true)).toEqual(allRows);
  });

  test('that do not exist are refused, and those that do are named', () => {
    expect(() => chooseRows(['pun'])).toThrow(/no row 'pun', only put-1, /);
  });

  test('have names of their own, and figures at every scale', () => {
    expect(new Set(allRows.map(({ name }) => name)).size).toBe(allRows.length);
    for (const row of allRows) {
      for (const scale of [fullScale, quickScale]) expect(Object.keys(row.figures(scale))).not.toEqual([]);
    }
  });
});
