import type { Expression, Operator } from './parse.ts';

export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, unknown>>;

/** The value of an expression over a record; null where anything in it is null, as SQL has it. @throws Error for what cannot be computed */
export function evaluate(expression: Expression, row: Row): Value {
  switch (expression.is) {
    case 'Column':
      return (row[expression.name] ?? null) as Value;
    case 'Literal':
      return expression.value;
    case 'Not': {
      const value = evaluate(expression.of, row);
      return value === null ? null : !value;
    }
    case 'Binary':
      return combine(expression.operator, evaluate(expression.left, row), evaluate(expression.right, row));
  }
}

function combine(operator: Operator, left: Value, right: Value): Value {
  if (operator === 'AND') return left === false || right === false ? false : left === null || right === null ? null : true;
  if (operator === 'OR') return left === true || right === true ? true : left === null || right === null ? null : false;
  if (left === null || right === null) return null;
  switch (operator) {
    case '=':
      return left === right;
    case '<>':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '||':
      return `${left}${right}`;
    default:
      return calculate(operator, numberOf(left), numberOf(right));
  }
}

function numberOf(value: string | number | boolean): number {
  if (typeof value !== 'number') throw new Error(`Could not convert ${JSON.stringify(value)} to a number`);
  return value;
}

function calculate(operator: '+' | '-' | '*' | '/' | '%', left: number, right: number): number | null {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? null : left / right;
    case '%':
      return right === 0 ? null : left % right;
  }
}
