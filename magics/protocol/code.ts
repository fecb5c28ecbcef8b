// What the lowering knows of one cell. Made in language/, used wherever a cell runs: the user process at home, the worker on a cluster.
// Plain JSON: it crosses thread, process and machine borders, and the parts a job needs lie in its bundle.

/**
 * Ends every notebook name in lowered code: `x` becomes the script-scope binding `x` + MARK. ZERO WIDTH NON-JOINER is allowed inside
 * identifiers (ECMA-262, IdentifierPart), cannot be typed by accident, and leaves V8's messages ("x is not a function") readable.
 */
export const MARK = '\u200c';

/** The script-scope binding of a notebook name. */
export function mangle(name: string): string {
  return name + MARK;
}

/** Names that lowered code uses of the realm. They begin with `$` + MARK, which `mangle` of a typed name never gives. */
export const RUNTIME = {
  /** Configurable property of globalThis; true while an interrupt is wanted: `if(STOP)THROW();` */
  stop: `$${MARK}s`,
  /** Throws KeyboardInterrupt. */
  throw: `$${MARK}t`,
  /** `AWAITED(epoch, await x)` gives its second argument, or throws KeyboardInterrupt when that epoch was ended. */
  awaited: `$${MARK}k`,
  /** The current epoch (property of globalThis); each activation that awaits notes it in a local of the name `activation`. */
  epoch: `$${MARK}e`,
  activation: `$${MARK}a`,
  /** `HAS("x")`: is x a notebook name by now? For names no cell had declared when this code was lowered. */
  has: `$${MARK}h`,
  /** `DEAD("x")` throws the ReferenceError of the temporal dead zone, `CONSTANT("x")` the TypeError of assigning to a const. */
  dead: `$${MARK}d`,
  constant: `$${MARK}c`,
  /** The only parameter of a lowered cell: a CellContext. */
  context: `$${MARK}x`,
  /** Local counter of a cell: how many of its top-level declarations are initialised. */
  progress: `$${MARK}p`,
  /**
   * `REVIVE.named(class, name)`: the name that an anonymous class shows, whose name for itself was made up.
   * `REVIVE.on` (boolean): field initialisers, static blocks and constructors of the notebook's classes stand aside, so that a class can be
   * evaluated and `Reflect.construct`ed without running the user's code. `REVIVE.register(class, access: PrivateAccess)` comes first in
   * each class that has private fields. Computed keys of classes pass through `REVIVE.key(k)`, and `REVIVE.keyed(class, count)` says whose the last
   * ones were; a class that is made again asks `REVIVE.nextKey()` for each instead. `REVIVE.home(literal)` stands around an object literal with methods that
   * use `super`, and gives it.
   */
  revive: `$${MARK}r`,
  /**
   * Prefix of scope portals (see portalName): `PORTAL(2 * i)` reads the i-th variable of its activation, `PORTAL(2 * i + 1, v)` writes it, where
   * i counts `PortalCode.names`; `PORTAL(2 * names.length)` gives `this`, `PORTAL(2 * names.length + 1, key)` gives `super[key]`. Each is a function of its own in each activation: its identity.
   */
  portal: `$${MARK}o`,
} as const;

/** The variable that holds a scope portal: unique in its cell. `toString()` of a function with shared variables shows it. */
export function portalName(index: number): string {
  return `${RUNTIME.portal}${index}`;
}

/**
 * Helpers of tslib that lowered code calls as globals: `using`, `accessor` and decorators are spelled out with them for Node 20.
 * Whoever runs cells puts these functions on globalThis (not enumerable).
 */
export const EMIT_HELPERS = [
  '__addDisposableResource',
  '__disposeResources',
  '__esDecorate',
  '__decorate',
  '__metadata',
  '__param',
  '__runInitializers',
  '__propKey',
  '__setFunctionName',
  '__classPrivateFieldGet',
  '__classPrivateFieldSet',
  '__classPrivateFieldIn',
] as const;

/** How the realm reads and sets the private fields that one class declares. Keys are the names as typed: `#secret`. */
export interface PrivateAccess {
  /** Was the object made by this class? False for a class with private statics only. */
  readonly has: (object: object) => boolean;
  readonly get: (object: object) => Record<string, unknown>;
  readonly set: (object: object, values: Readonly<Record<string, unknown>>) => void;
  /** Evaluates text in the scope of the class, where its private names mean what they do there. Absent where no function needs it. */
  readonly open?: (text: string) => unknown;
  readonly statics?: {
    readonly get: () => Record<string, unknown>;
    readonly set: (values: Readonly<Record<string, unknown>>) => void;
  };
}

/** What a lowered cell gets: `(async function ($x) { "use strict"; … })`. */
export interface CellContext {
  /** Set by the cell's last expression statement. Absent when the cell does not end in one. */
  value?: unknown;
  /** Set by the cell's first statement, if it declares names: how far the top-level declarations have come. */
  progress?: () => number;
  /** The loaded modules of `CellCode.imports`, in order. */
  readonly modules: readonly unknown[];
  /** import.meta of the cell. */
  readonly meta: unknown;
  /** `import(specifier, options)` from the notebook's folder. */
  readonly load: (specifier: unknown, options?: unknown) => Promise<unknown>;
  readonly require: unknown;
  readonly module: unknown;
  readonly filename: string;
  readonly dirname: string;
}

/**
 * Hex SHA-256 of the cell's source, a NUL and `shipped.text`, first 20 digits. The same source can mean other code later on (a name it uses has
 * been declared meanwhile); equal ids have equal code.
 */
export type CellId = string;

/** One printed form of a cell: a function expression, and the way back to the source the user typed. */
export interface Emit {
  readonly text: string;
  /** Source map v3 `mappings` (ECMA-426) from `text` to `CellCode.source`. */
  readonly mappings: string;
}

export interface SourceRange {
  /** UTF-16 offsets in the text. */
  readonly start: number;
  readonly end: number;
  /** Line and column of `start`, both from 0. */
  readonly line: number;
  readonly column: number;
}

export type DeclarationKind = 'var' | 'let' | 'const' | 'function' | 'class' | 'enum' | 'namespace' | 'import';

export interface Declaration {
  readonly name: string;
  readonly kind: DeclarationKind;
  /** Initialised once `progress() > step`; 0 for what is hoisted (functions, imports, `var`). After the whole cell: highest step + 1. */
  readonly step: number;
}

/** Notebook names that a piece of code uses without declaring them itself. Sorted, without repeats. */
export interface Uses {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Only under `typeof`: absent is no error. */
  readonly probes: readonly string[];
}

export type FunctionKind =
  'function' | 'arrow' | 'method' | 'getter' | 'setter' | 'constructor' | 'class' | 'static-block' | 'field';

/** One function or class of a cell, wherever it stands. Its code id is `${cell.id}#${index}`. */
export interface FunctionCode {
  readonly index: number;
  readonly kind: FunctionKind;
  /** The name it shows (`f.name`) where that is known from the text, else ''. */
  readonly name: string;
  /** The enclosing function or class, if any. */
  readonly parent?: number;
  /**
   * Its whole text in `local.text` and in `shipped.text`, as `toString()` shows it. Cut out of its cell it may name RUNTIME.progress (give it
   * Infinity), RUNTIME.context (for `require`, `import()`, `import.meta`) and the `captures`; it has an activation of its own.
   */
  readonly local: SourceRange;
  readonly shipped: SourceRange;
  /** Where it begins in the user's source. */
  readonly source: { readonly line: number; readonly column: number };
  /** Notebook names used by it and by everything inside it. */
  readonly uses: Uses;
  /** Variables of enclosing functions and blocks of the cell that it (or something inside it) uses: a closure, if not empty. */
  readonly captures: readonly string[];
  /** Portals of enclosing activations, and which of `captures` (or `this`) are shared through each. Absent: none. */
  readonly portals?: readonly PortalUse[];
  /** Those of `captures` that are assigned after they were initialised, and that no portal knows: they cannot be shared. Absent: none. */
  readonly assigned?: readonly string[];
  /** It uses `this`, `super`, `arguments` or `new.target` of the enclosing activation (arrows only). */
  readonly lexicalThis: boolean;
  /** It uses `this`, `arguments`, `super` or `new.target` of an enclosing activation in a way that no portal gives. Absent: no. */
  readonly hiddenThis?: boolean;
  /** Index of the innermost class around it whose private names it uses. Absent: it uses none. */
  readonly privateOf?: number;
  /**
   * Of a class: the name it has for itself, by which the scopes of functions in it show it, if some of those use its private names. Such a class can have
   * them made inside of it (PrivateAccess.open). Absent: there are none.
   */
  readonly door?: string;
  /** It, or something inside it, evaluates text whose names are not known. Absent: no. */
  readonly hidesNames?: boolean;
  /** A class whose members decorators may have replaced. Absent: no. */
  readonly isDecorated?: boolean;
  /** It uses `super` of its own: a method that travels only with its home object. */
  readonly usesSuper: boolean;
}

export interface PortalUse {
  /** Of `CellCode.portals`. */
  readonly portal: number;
  readonly names: readonly string[];
  readonly self: boolean;
  /** It uses `super` of that activation. Absent: no. */
  readonly asksSuper?: true;
}

/** The activations of one scope, as far as functions share their state. */
export interface PortalCode {
  readonly index: number;
  /** Of the function that the scope belongs to, or ''. */
  readonly name: string;
  /** Variables that are captured and assigned after their initialisation. */
  readonly names: readonly string[];
  /** Does it know `this`? */
  readonly self: boolean;
  /** Index of the method, constructor, field or block whose `super` it knows. Absent: it knows none. */
  readonly superOf?: number;
  /** Index of the innermost class with a door that it lies in. Absent: none. */
  readonly door?: number;
  /** The portal of the next enclosing scope that has one. */
  readonly parent?: number;
}

/**
 * One use of a variable that a portal knows: offsets in `local.text`, how it is used, and the index of the portal. `call`: as what is called, or as a tag.
 * Code that comes home into a scope which never left is written with these uses led to the portal.
 */
export type SharedUse = readonly [start: number, end: number, how: 'plain' | 'call' | 'shorthand', portal: number];

export interface ImportBinding {
  readonly name: string;
  /** The exported name; `default`, or `*` for the namespace. */
  readonly imported: string;
}

export interface ModuleImport {
  readonly specifier: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly bindings: readonly ImportBinding[];
}

/** What the tsconfig.json over the notebook's folder means for local modules. */
export interface ProjectRules {
  /** `paths`, and `baseUrl` as the pattern `*`: from a specifier with at most one `*` to absolute paths. */
  readonly paths: Readonly<Record<string, readonly string[]>>;
  /** compilerOptions that say what code becomes, as a tsconfig.json spells them. */
  readonly compile: Readonly<Record<string, string | boolean>>;
}

/** A file that code names by a literal in a call. */
export interface FileUse {
  readonly path: string;
  /**
   * `input` and `output`: an argument of the function of that name. `read` and `written`: the first argument of a call that looks like one of
   * Node's (`readFileSync`, `createWriteStream`) or of any other function: a guess, good for advice and for nothing else.
   */
  readonly how: 'input' | 'output' | 'read' | 'written';
  /** Index of the innermost function it stands in. Absent: the cell itself. */
  readonly function?: number;
}

export interface CellCode {
  readonly id: CellId;
  /** The number in `Cell [7]`. */
  readonly execution: number;
  /** What the user typed; a magic line is part of it, so lines count as the editor shows them. */
  readonly source: string;
  readonly isAsync: boolean;
  /** With interrupt checks, for the user process. */
  readonly local: Emit;
  /** Without them, for a worker. */
  readonly shipped: Emit;
  readonly declarations: readonly Declaration[];
  readonly imports: readonly ModuleImport[];
  /** Modules named by `import('…')` or `require('…')` with a literal, anywhere in the cell. */
  readonly dynamicImports: readonly string[];
  /** Used by the cell as a whole, functions inside it included. */
  readonly uses: Uses;
  readonly functions: readonly FunctionCode[];
  /** Absent: none. */
  readonly files?: readonly FileUse[];
  /** Absent: none. */
  readonly portals?: readonly PortalCode[];
  /** Ascending. Absent: none. */
  readonly shared?: readonly SharedUse[];
  /**
   * The cell is a module in memory (tslab's `@module name`): this is its file name in the notebook's folder, `source` its text. Running the
   * cell does nothing but define it; it is evaluated where it is imported, as a local module is.
   */
  readonly memoryModule?: string;
  /** Absent: as without a tsconfig.json. */
  readonly project?: ProjectRules;
  /** Positions (line and column from 0, in source) of direct `eval` whose argument is no literal. */
  readonly hiddenNames: readonly { readonly line: number; readonly column: number }[];
}

/** The file name of a cell's script: unique per execution, recognised in stack frames. */
export function scriptName(cell: { readonly id: CellId; readonly execution: number }): string {
  return `cellburst-cell:${cell.id}:${cell.execution}`;
}

export function codeId(cell: CellId, index: number): string {
  return `${cell}#${index}`;
}

/** Cells that are not counted (silent ones, user expressions) have numbers from here on: theirs must never meet that of a counted cell. */
export const FIRST_UNCOUNTED = 1_000_000;

/** How a cell is called in tracebacks and tables: `Cell [7]`, and `Cell [*3]` for the third that was not counted. */
export function cellLabel(execution: number): string {
  return `Cell [${execution > FIRST_UNCOUNTED ? `*${execution - FIRST_UNCOUNTED}` : execution}]`;
}

/** The number in what `cellLabel` gives, star included. */
export const CELL_NUMBER = String.raw`Cell \[(\*?\d+)\]`;

/** From the star and digits that CELL_NUMBER finds. */
export function executionOf(digits: string): number {
  return digits.startsWith('*') ? FIRST_UNCOUNTED + Number(digits.slice(1)) : Number(digits);
}
