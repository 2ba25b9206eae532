export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Line and column (from 1, in characters) of a byte in the UTF-8 form of a text, which is how the parser counts. */
export function positionAt(text: string, byte: number): Position {
  const before = Buffer.from(text).subarray(0, byte).toString();
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 };
}
