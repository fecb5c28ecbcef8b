// More than half of what the compiler reads at its start are the types of Node, and a notebook that is run at once waits for that. A first cell that has no
// mistake by the types of the language alone is right already: Node's types add names and members, and take nothing away.
import { ts } from '../compiler';

/** A program of the language's own library and nothing else. What it reads is in `registry`, and is not read again. */
export function readLanguage(
  directory: string,
  host: ts.LanguageServiceHost,
  registry: ts.DocumentRegistry,
): ts.Program {
  const root = `${directory}/[early].ts`;
  const early: ts.LanguageServiceHost = {
    ...host,
    getScriptFileNames: () => [root],
    getScriptVersion: (name) => (name === root ? '1' : host.getScriptVersion(name)),
    getScriptSnapshot: (name) => (name === root ? ts.ScriptSnapshot.fromString('') : host.getScriptSnapshot(name)),
    fileExists: (name) => name === root || host.fileExists(name),
    getCompilationSettings: () => ({ ...host.getCompilationSettings(), types: [] }),
  };
  // Not disposed of: the registry would forget with it.
  const program = ts.createLanguageService(early, registry).getProgram();
  if (!program) throw new Error('The compiler has no program; restart the kernel.');
  return program;
}
