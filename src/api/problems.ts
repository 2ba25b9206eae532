import type { z } from 'zod';
import { GrueError } from './errors.ts';

/** One thing that is wrong with a value, and where. */
export interface Problem {
  /** As `kubectl` writes it: `spec.schema.fields[2].name`. */
  readonly path: string;
  /** What is wrong there, as a sentence fragment. */
  readonly what: string;
}

/** The value as the schema makes it, or everything that is wrong with it, in words for somebody who wrote YAML. */
export function judge<S extends z.ZodType>(schema: S, value: unknown): { readonly value: z.output<S> } | { readonly problems: readonly Problem[] } {
  const result = schema.safeParse(value, { reportInput: true });
  return result.success ? { value: result.data } : { problems: result.error.issues.flatMap(inWords) };
}

/** All problems at once: whoever has to correct a file wants to do it once. */
export function schemaError(subject: string, problems: readonly Problem[]): GrueError {
  const list = problems.map(({ path, what }) => `${path}: ${what}`).join('; ');
  return new GrueError('GRUE-API-001', `${subject}: ${list}`, problems[0] === undefined ? {} : { at: problems[0].path });
}

function inWords(issue: z.core.$ZodIssue): readonly Problem[] {
  const path = issue.path.length === 0 ? 'object' : pathOf(issue.path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), what: 'is not a known field' }));
  return [{ path, what: whatIsWrong(issue) }];
}

function whatIsWrong(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${article(nameOfType[issue.expected] ?? issue.expected)}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.join(', ')}`;
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', Number(issue.minimum))}`;
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', Number(issue.maximum))}`;
    default:
      return issue.message;
  }
}

const nameOfType: Readonly<Record<string, string>> = { int: 'whole number', record: 'object', array: 'list', boolean: 'true or false', string: 'text' };
const article = (noun: string) => (noun === 'true or false' || noun === 'text' ? noun : /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`);

function bound(origin: string, way: 'at least' | 'at most', limit: number): string {
  if (origin === 'string') return `have ${way} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `have ${way} ${limit} item${limit === 1 ? '' : 's'}`;
  return `be ${way} ${limit}`;
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((sofar, part) => (typeof part === 'number' ? `${sofar}[${part}]` : sofar === '' ? String(part) : `${sofar}.${String(part)}`), '');
