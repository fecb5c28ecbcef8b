// Proteins as rows of letters, one per amino acid. Used by packages.ipynb, here and on clusters.
import { readFileSync } from 'node:fs';

export class Sequence {
  constructor(
    readonly species: string,
    readonly residues: string,
  ) {}
}

/** FASTA: a line `>name`, then letters. Throws Error for a file that has none. */
export function readSequences(path: string): Sequence[] {
  const records = readFileSync(path, 'utf8')
    .split('>')
    .filter((record) => record.trim() !== '');
  if (records.length === 0) throw new Error(`${path} has no sequences.`);
  return records.map((record) => {
    const [head = '', ...lines] = record.split('\n');
    return new Sequence(head.trim(), lines.join('').replace(/\s/g, ''));
  });
}

/** Positions at which two sequences of one length differ. */
export function differences(a: Sequence, b: Sequence): number {
  return [...a.residues].filter((residue, at) => residue !== b.residues[at]).length;
}
