// A program's file as one cell, and what the cell says of itself as the file would. Pure.
import { basename } from 'node:path';
import type { CellOutput } from '../kernel/client';

/** `line`: the magic that stands above. A `#!` line is nobody's code; its place stays, so that lines keep their numbers. */
export function toClusterCell(text: string, line?: string): string {
  const code = text.replace(/^\uFEFF?(#!.*)?/, '');
  return line === undefined ? code : `${line}\n${code}`;
}

type CellError = Extract<CellOutput, { type: 'error' }>;

/** `Cell [1]:13:32` is `simulate.ts:12:32` where a magic stands above; numbers beside lines of code likewise. */
export function namedAfter(path: string, error: CellError, hasMagic: boolean): CellError {
  const shift = hasMagic ? 1 : 0;
  const name = basename(path);
  const shifted = (number: string): string => String(Number(number) - shift).padStart(number.length);
  const lines = error.traceback.flatMap((entry) => entry.split('\n'));
  return {
    ...error,
    traceback: lines
      // The magic's own line, which is not the file's.
      .filter((line) => !(hasMagic && GUTTER.exec(line)?.[2] === '1'))
      .map((line) =>
        line
          .replace(PLACE, (_, between: string, number: string) => `${name}${between}${shifted(number).trim()}`)
          .replace(CELL, name)
          .replace(GUTTER, (_, before: string, number: string, after: string) => before + shifted(number) + after),
      ),
  };
}

/* eslint-disable no-control-regex -- ESC begins every colour sequence */
const CELL = /Cell \[1\]/g;
const PLACE = /Cell \[1\]((?:\u001b\[[\d;]*m)*:(?:\u001b\[[\d;]*m)*)(\d+)/g;
/** The number beside a line of code, colours and all: `> 13 | throw …`. */
const GUTTER = /^((?:\u001b\[[\d;]*m|[> ])*)(\d+)((?:\u001b\[[\d;]*m)* \|)/;
