// From what the user typed to what runs: TypeScript → JavaScript (emit.ts) → two texts over the notebook's bindings (rewrite.ts), with source
// maps and a table of the functions in them. The contract with whoever runs it is magics/protocol/code.ts.
import { createHash } from 'node:crypto';
import { RUNTIME, mangle, type CellCode, type DeclarationKind, type ModuleImport } from '../../magics/protocol/code';
import type { ts } from '../compiler';
import { parseBound } from '../internals';
import { NOTE_EPOCH, awaitsAtTop } from './checks';
import { CallWords } from './call-words';
import { bindImports, collectImports } from './declarations';
import { declaredNames } from './declared';
import { Doors } from './doors';
import { DISPOSABLES, emitJavaScript, type Emitted } from './emit';
import { FunctionTable } from './function-table';
import { Plan } from './plan';
import { Portals, portalText } from './portals';
import { EMIT_OPTIONS } from './printing';
import { Rewriter } from './rewrite';
import { Writer } from './writer';

export interface LowerRequest {
  /** As typed, magic lines included. */
  readonly source: string;
  /** The same with magic lines masked (mask.ts). */
  readonly masked: string;
  readonly execution: number;
  /** `.ts`, `.tsx`, `.js` or `.jsx`: how the text is to be read. */
  readonly extension: string;
  /** Notebook names that earlier cells declared. */
  readonly known: ReadonlyMap<string, DeclarationKind>;
  /** Imported names that are nothing but types. */
  readonly typeOnly: ReadonlySet<string>;
  /** What the cell becomes: emitOptions of the notebook's project. Absent: as without one. */
  readonly emit?: ts.CompilerOptions;
}

/** Lowers a cell that parses. Deterministic: equal requests give equal code. */
export function lowerCell(request: LowerRequest): CellCode {
  const fileName = `/cell${request.extension}`;
  const parsed = parseBound(fileName, request.masked, EMIT_OPTIONS);
  const emitted = emitJavaScript(parsed, request.emit ?? {});
  const file = parseBound('/cell.js', emitted.text, { ...EMIT_OPTIONS, allowJs: true });
  const kinds = withMadeImports(declaredNames(parsed), file);
  const imports = collectImports(file, kinds, request.typeOnly);
  const dropped = new Set([...request.typeOnly].filter((name) => kinds.get(name) === 'import'));
  const plan = new Plan(file, new Map([...kinds].filter(([name]) => !dropped.has(name))));
  const isAsync = emitted.disposal === 'async' || awaitsAtTop(file);

  const writer = new Writer(emitted.text, emitted.anchors);
  writer.insert(`(${isAsync ? 'async ' : ''}function(${RUNTIME.context}){"use strict";`);
  if (isAsync) writer.insertLocal(NOTE_EPOCH);
  writer.insert(openText(plan, imports, emitted));
  const portals = new Portals(file, (name) => plan.names.has(name));
  const portal = portals.at(file);
  if (portal) writer.insert(portalText(portal));
  const doors = new Doors(file);
  const table = new FunctionTable(portals, doors);
  const rewriter = new Rewriter(
    { file, writer, plan, table, portals, doors, words: new CallWords(file), known: request.known },
    emitted.anchors,
  );
  const found = rewriter.run();
  writer.copyTo(emitted.text.length);
  writeClosing(writer, emitted);
  const { local, shipped } = writer.finish();
  const portalCodes = portals.codes(
    (place) => {
      const around = doors.around(place);
      return around && table.indexOf(around);
    },
    (code) => table.indexOf(code),
  );
  return {
    id: createHash('sha256').update(`${request.source}\0${shipped.text}`).digest('hex').slice(0, 20),
    execution: request.execution,
    source: request.source,
    isAsync,
    local,
    shipped,
    declarations: plan.declarations,
    imports,
    dynamicImports: [...found.dynamicImports].sort(),
    uses: table.toUses((name) => plan.names.has(name)),
    functions: table.toFunctions(),
    ...(portalCodes.length === 0 ? {} : { portals: portalCodes }),
    ...(found.files.length === 0 ? {} : { files: found.files }),
    ...(rewriter.shared.length === 0 ? {} : { shared: rewriter.shared }),
    hiddenNames: found.hiddenNames,
  };
}

/** JSX by `react-jsx` imports what it calls: names of the notebook like others. */
function withMadeImports(
  kinds: ReadonlyMap<string, DeclarationKind>,
  emitted: ts.SourceFile,
): ReadonlyMap<string, DeclarationKind> {
  const made = [...declaredNames(emitted)].filter(([name, kind]) => kind === 'import' && /^_[jF]/.test(name));
  return new Map([...made.filter(([name]) => !kinds.has(name)), ...kinds]);
}

/** All that is hoisted: the counter, imports, functions and `var`s. */
function openText(plan: Plan, imports: readonly ModuleImport[], { disposal }: Emitted): string {
  const { progress, context } = RUNTIME;
  const opening = disposal === 'none' ? '' : `const ${DISPOSABLES}={stack:[],error:void 0,hasError:false};try{`;
  if (plan.names.size === 0) return opening;
  const functions = plan.functions.map((name) => `${mangle(name)}=${name};`).join('');
  const variables = [...plan.names.values()].filter(({ kind, step }) => kind === 'var' && step === 0);
  const cleared = variables.map(({ name }) => `${mangle(name)}=`).join('');
  return (
    `let ${progress}=0;${context}.progress=()=>${progress};${opening}${bindImports(imports)}${functions}` +
    `${cleared === '' ? '' : `${cleared}void 0;`}${progress}=1;`
  );
}

function writeClosing(writer: Writer, { disposal }: Emitted): void {
  writer.insert('\n');
  if (disposal !== 'none') {
    const failure = `catch(e){${DISPOSABLES}.error=e;${DISPOSABLES}.hasError=true}`;
    const dispose = `__disposeResources(${DISPOSABLES})`;
    writer.insert(`}${failure}finally{${disposal === 'async' ? `const p=${dispose};if(p)` : dispose}`);
    if (disposal === 'async') {
      writer.insertLocal(`${RUNTIME.awaited}(${RUNTIME.activation},`);
      writer.insert('await p');
      writer.insertLocal(')');
    }
    writer.insert('}');
  }
  writer.insert('})');
}
