// A notebook's file: read, filled with what its cells showed, and written as Jupyter writes it. All that is not ours to change stays as it is.
// Source: "The Notebook file format", nbformat 4.5.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { CellOutput } from '../kernel/client';
import { messageOf, UsageError } from '../magics/protocol/errors';
import { isObject } from '../magics/protocol/shape';

type Fields = Record<string, unknown>;

export interface CodeCell {
  readonly source: string;
  readonly id: string | undefined;
  /** Jupyter's word for a cell whose failure is meant. */
  readonly mayFail: boolean;
  readonly fields: Fields;
}

const JS_KERNELS: ReadonlySet<string> = new Set(['cellburst-js', 'jslab']);
const LANGUAGES: ReadonlySet<string> = new Set(['typescript', 'javascript']);

export class NotebookFile {
  readonly path: string;
  readonly #document: Fields;
  readonly codeCells: readonly CodeCell[];

  private constructor(path: string, document: Fields, cells: readonly unknown[]) {
    this.path = path;
    this.#document = document;
    this.codeCells = cells.flatMap((cell) =>
      isObject(cell) && cell['cell_type'] === 'code' ? [toCodeCell(cell)] : [],
    );
  }

  /** Throws UsageError for what is no notebook, or none of ours. */
  static read(path: string): NotebookFile {
    let document: unknown;
    try {
      document = JSON.parse(readFileSync(path, 'utf8'));
    } catch (cause) {
      throw new UsageError(`Cannot read the notebook ${path}: ${messageOf(cause)}.`, { cause });
    }
    if (!isObject(document) || document['nbformat'] !== 4 || !Array.isArray(document['cells']))
      throw new UsageError(`${path} is no notebook of format 4. Save it again in JupyterLab.`);
    refuseOthers(path, document);
    return new NotebookFile(path, document, document['cells']);
  }

  /** Is it a notebook of plain JavaScript? */
  get isJS(): boolean {
    const spec = specOf(this.#document);
    return JS_KERNELS.has(String(spec['name'])) || spec['language'] === 'javascript';
  }

  /** Nothing that cells showed before. */
  clear(): void {
    for (const { fields } of this.codeCells) {
      fields['outputs'] = [];
      fields['execution_count'] = null;
    }
  }

  setLanguage(info: Fields): void {
    const { metadata } = this.#document;
    this.#document['metadata'] = { ...(isObject(metadata) ? metadata : {}), language_info: info };
  }

  /** Whole, or not at all. */
  write(path: string): void {
    const beside = `${path}.${String(process.pid)}.new`;
    try {
      writeFileSync(beside, `${JSON.stringify(this.#document, undefined, 1)}\n`);
      renameSync(beside, path);
    } catch (cause) {
      throw new UsageError(`Cannot write ${path}: ${messageOf(cause)}. Name another file with -o FILE.`, { cause });
    }
  }
}

function toCodeCell(fields: Fields): CodeCell {
  const { source, id, metadata } = fields;
  const tags = isObject(metadata) && Array.isArray(metadata['tags']) ? metadata['tags'] : [];
  return {
    source: Array.isArray(source) ? source.join('') : typeof source === 'string' ? source : '',
    id: typeof id === 'string' ? id : undefined,
    mayFail: tags.includes('raises-exception'),
    fields,
  };
}

function specOf({ metadata }: Fields): Fields {
  return isObject(metadata) && isObject(metadata['kernelspec']) ? metadata['kernelspec'] : {};
}

function refuseOthers(path: string, document: Fields): void {
  const spec = specOf(document);
  const [name, language] = [spec['name'], spec['language']].map((word) =>
    typeof word === 'string' ? word : undefined,
  );
  if (name === undefined || LANGUAGES.has(language ?? '') || /^(cellburst(-js)?|tslab|jslab)$/.test(name)) return;
  throw new UsageError(
    `${basename(path)} is a notebook of the kernel ${name}. Cellburst runs notebooks of TypeScript and JavaScript.`,
  );
}

/** What a cell shows, gathered the way a notebook keeps it. */
export class CellOutputs {
  readonly #outputs: Fields[] = [];
  readonly #displays: Map<string, Fields[]>;
  #clearsNext = false;

  /** `displays`: of the whole notebook, since a later cell may update what an earlier one showed. */
  constructor(displays: Map<string, Fields[]>) {
    this.#displays = displays;
  }

  add(output: CellOutput): void {
    if (output.type === 'clear') {
      if (output.wait) this.#clearsNext = true;
      else this.#outputs.length = 0;
      return;
    }
    if (output.type === 'display' && output.update) {
      this.#update(output);
      return;
    }
    if (this.#clearsNext) this.#outputs.length = 0;
    this.#clearsNext = false;
    const last = this.#outputs.at(-1);
    if (output.type === 'stream' && last?.['output_type'] === 'stream' && last['name'] === output.name) {
      last['text'] = `${String(last['text'])}${output.text}`;
      return;
    }
    const fields = toFields(output);
    this.#outputs.push(fields);
    if (output.type !== 'display' || output.displayId === undefined) return;
    this.#displays.set(output.displayId, [...(this.#displays.get(output.displayId) ?? []), fields]);
  }

  /** As nbformat has them: texts as lists of lines. */
  toJSON(): unknown[] {
    return this.#outputs.map((fields) => {
      if (fields['output_type'] === 'stream') return { ...fields, text: toLines(String(fields['text'])) };
      return isObject(fields['data']) ? { ...fields, data: toLinesOf(fields['data']) } : fields;
    });
  }

  #update({ displayId, data, metadata }: Extract<CellOutput, { type: 'display' }>): void {
    for (const fields of this.#displays.get(displayId ?? '') ?? []) Object.assign(fields, { data, metadata });
  }
}

function toFields(output: Exclude<CellOutput, { type: 'clear' }>): Fields {
  switch (output.type) {
    case 'stream':
      return { output_type: 'stream', name: output.name, text: output.text };
    case 'result': {
      const { data, metadata, execution } = output;
      return { output_type: 'execute_result', data, metadata, execution_count: execution };
    }
    case 'display':
      return { output_type: 'display_data', data: output.data, metadata: output.metadata };
    case 'error':
      return { output_type: 'error', ename: output.name, evalue: output.message, traceback: output.traceback };
  }
}

/** Texts of mime bundles as lists of lines; what is JSON stays as it is. */
function toLinesOf(data: Fields): Fields {
  return Object.fromEntries(
    Object.entries(data).map(([type, value]) => [
      type,
      typeof value === 'string' && !/[/+]json$/.test(type) ? toLines(value) : value,
    ]),
  );
}

function toLines(text: string): string[] {
  return text.split(/(?<=\n)/);
}
