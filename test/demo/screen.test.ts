import { expect, test } from 'vitest';
import { cutTo, openScreen } from '../../demo/screen.ts';

function output(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 20, rows: 10, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, screen: openScreen(stream, () => 1_500) };
}

test('without a terminal lines are just written, and blocks are not', () => {
  const { written, screen } = output(false);
  screen.draw(['a block']);
  screen.print(['a line']);
  screen.end();
  expect(written).toEqual(['a line\n']);
});

test('on a terminal a line goes above the block, which is drawn anew below it', () => {
  const { written, screen } = output(true);
  screen.draw(['one', 'two']);
  screen.print(['a line']);
  expect(written.at(-1)).toBe('\x1b[2A\x1b[Ja line\none\ntwo\n');
  screen.end();
  expect(written.slice(-2)).toEqual(['\x1b[2A\x1b[J', '\x1b[?25h']);
});

test('a block never wraps or scrolls: it is cut to the terminal', () => {
  const { written, screen } = output(true);
  screen.draw(Array.from({ length: 30 }, () => 'x'.repeat(50)));
  expect(written.at(-1)).toBe(`${'x'.repeat(18)}…\n`.repeat(8));
});

test('styles do not count as characters, and are closed where a line is cut', () => {
  const bold = '\x1b[1mabcdef\x1b[22m';
  expect(cutTo(bold, 6)).toBe(bold);
  expect(cutTo(bold, 4)).toBe('\x1b[1mabc\x1b[22m…');
});
