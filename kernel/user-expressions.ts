// `user_expressions` of an execute_request: what a front end wants to know of the namespace once the cell has run.
// Source: "Messaging in Jupyter" 5.5, "Execute".
import type { CellOutcome } from '../magics/namespace';
import type { Content } from './wire/message';

/** Name → source. What is no text is left out. */
export type Expressions = readonly (readonly [string, string])[];

export function parseExpressions(value: unknown): Expressions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, source]: [string, unknown]) =>
    typeof source === 'string' ? [[name, source] as const] : [],
  );
}

/** One after the other, each with a result of its own. */
export async function evaluateAll(
  expressions: Expressions,
  evaluate: (source: string) => Promise<CellOutcome>,
): Promise<Content> {
  const results: [string, Content][] = [];
  for (const [name, source] of expressions) results.push([name, toResult(await evaluate(source))]);
  return Object.fromEntries(results);
}

function toResult(outcome: CellOutcome): Content {
  if (outcome.ok) {
    const { data, metadata } = outcome.display ?? { data: { 'text/plain': 'undefined' }, metadata: {} };
    return { status: 'ok', data, metadata };
  }
  const { name, message, traceback } = outcome.error;
  return { status: 'error', ename: name, evalue: message, traceback };
}
