import { expect, test } from 'vitest';
import { boxTable } from './box-table.ts';

test('headers are centred, cells are right-aligned, each column as wide as it must be', () => {
  expect(
    boxTable(
      ['id', 'db size'],
      [
        ['1234', 'x'],
        ['é', '25 kB of it'],
      ],
    ),
  ).toBe(
    '┌──────┬─────────────┐\n' +
      '│  ID  │   DB SIZE   │\n' +
      '├──────┼─────────────┤\n' +
      '│ 1234 │           x │\n' +
      '│    é │ 25 kB of it │\n' +
      '└──────┴─────────────┘\n',
  );
});

test('a table without rows has no line under its header', () => {
  expect(boxTable(['a'], [])).toBe('┌───┐\n│ A │\n└───┘\n');
});
