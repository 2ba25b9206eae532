import { stripVTControlCharacters, styleText } from 'node:util';

/** Where a run is shown: lines that stay, and below them, on a terminal, a block that is drawn again and again. */
export interface Screen {
  readonly isLive: boolean;
  /** Width in characters, now. */
  columns(): number;
  /** Writes a line that stays, with the time since the start. */
  say(line: string): void;
  /** Writes lines as they are. */
  print(lines: readonly string[]): void;
  /** Draws the block anew; where there is no terminal nothing happens. */
  draw(block: readonly string[]): void;
  /** Takes the block away and gives the terminal back. */
  end(): void;
}

type Style = Parameters<typeof styleText>[0];

/** Text in a style where the output shows styles. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

export function openScreen(out: NodeJS.WriteStream, now: () => number = () => performance.now()): Screen {
  const isLive = out.isTTY === true;
  const began = now();
  let drawn: readonly string[] = [];

  const erase = (): string => (drawn.length === 0 ? '' : `\x1b[${drawn.length}A\x1b[J`);
  const columns = (): number => out.columns ?? 110;
  const cut = (line: string): string => cutTo(line, columns() - 1);
  const redraw = (above: string, block: readonly string[]): void => {
    const shown = block.slice(0, Math.max(0, (out.rows ?? 24) - 2)).map(cut);
    out.write(`${erase()}${above}${shown.map((line) => `${line}\n`).join('')}`);
    drawn = shown;
  };
  const print = (lines: readonly string[]): void => {
    const text = lines.map((line) => `${line}\n`).join('');
    if (isLive) redraw(text, drawn);
    else out.write(text);
  };
  if (isLive) out.write('\x1b[?25l');
  return {
    isLive,
    columns,
    print,
    say: (line) => print([`${styled('dim', seconds((now() - began) / 1_000))}  ${line}`]),
    draw: (block) => isLive && redraw('', block),
    end() {
      if (!isLive) return;
      redraw('', []);
      out.write('\x1b[?25h');
    },
  };
}

const seconds = (value: number): string => `${value.toFixed(1).padStart(6)} s`;

/** Cuts a line to so many visible characters; styles end with it. */
export function cutTo(line: string, width: number): string {
  if (stripVTControlCharacters(line).length <= width) return line;
  let visible = 0;
  let text = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const [part] of line.matchAll(/\x1b\[[0-9;]*m|./g)) {
    if (part.length > 1) text += part;
    else if (visible++ < width - 1) text += part;
  }
  return `${text}…`;
}
