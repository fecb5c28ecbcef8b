// Line magics about what surrounds the cells: the environment, the working directory, the names, the strictness of the check.
import { offer, type Magic, type MagicPlace, type Offers } from './magic';
import { argumentText, pointAt, type Word } from './line';
import { didYouMean } from './config/nearest';
import { cellLabel } from './protocol/code';
import type { AppliedChecks, Checks } from './protocol/language';
import { completePaths, expandHome } from './paths';
import { showTable, showText, succeed, type Shown } from './show';
import { twoColumns } from './two-columns';

const SECRET = /(key|token|secret|passw|credential|cookie|auth)/i;

export const environment: Magic = {
  usage: '%env [NAME | NAME=VALUE | --unset NAME]',
  help: 'Shows or changes environment variables of cells, and of what they start. Values that look secret are shown only when asked for by name.',
  async run({ cell, line, session }) {
    const text = argumentText(line);
    const { namespace } = session;
    const unset = /^--unset\s+([A-Za-z_]\w*)$/.exec(text)?.[1];
    if (unset !== undefined) {
      await namespace.chore('environment', { unset: [unset] }, cell.signal);
      return succeed(showText(`${unset} is not set any more.`));
    }
    const [, name = '', value] = /^([A-Za-z_]\w*)(?:=([^]*))?$/.exec(text) ?? [];
    if (text !== '' && name === '')
      throw pointAt(line.text, rest(line.text, line.name.end), `%env takes NAME, NAME=VALUE or --unset NAME.`);
    if (value !== undefined) {
      const set = { [name]: unquoted(value) };
      await namespace.chore('environment', { set }, cell.signal);
      return succeed(showText(`${name}=${SECRET.test(name) ? '…' : unquoted(value)}`));
    }
    const all = await namespace.chore('environment', {}, cell.signal);
    if (name !== '') {
      const known = all[name];
      if (known === undefined)
        throw pointAt(
          line.text,
          rest(line.text, line.name.end),
          `${name} is not set.${didYouMean(name, Object.keys(all))}`,
        );
      return succeed(showText(known));
    }
    const rows = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
    return succeed(
      showTable(
        ['name', 'value'],
        rows.map(([key, shown]) => [key, SECRET.test(key) ? '… (hidden)' : shown]),
      ),
    );
  },
  offers: ({ earlier, partial }) =>
    earlier.length > 0 || partial.includes('=')
      ? offer('variable', [])
      : offer('variable', ['--unset', ...Object.keys(process.env)]),
};

export const changeDirectory: Magic = {
  usage: '%cd [FOLDER | -]',
  help: "Changes the working directory of cells (- goes back); without a folder, shows it. Imports are still found from the notebook's folder.",
  async run(call) {
    const { cell, line, session } = call;
    const to = unquoted(argumentText(line));
    const { namespace } = session;
    const before = session.workingDirectory;
    const wanted = to === '-' ? (session.earlierDirectory ?? before) : expandHome(to);
    const { directory } = await namespace.chore('directory', wanted === '' ? {} : { to: wanted }, cell.signal);
    if (directory !== before) session.earlierDirectory = before;
    session.workingDirectory = directory;
    return succeed(showText(directory));
  },
  offers: offerFolders,
};

async function offerFolders({ partial, earlier, session }: MagicPlace): Promise<Offers> {
  if (earlier.length > 0) return { words: [] };
  const names = await completePaths(partial, session.workingDirectory, 'folders');
  return offer('folder', partial.includes('/') ? names : ['..', ...names]);
}

export const who: Magic = {
  usage: '%who',
  help: 'Lists the names of the notebook: kind, type, value, and the cell that declared each.',
  async run({ cell, line, session }) {
    refuseWords(line.text, line.words);
    const names = await session.namespace.chore('names', {}, cell.signal);
    if (names.length === 0) return succeed(showText('The notebook has no names yet.'));
    const rows = names.map(({ name, kind, type, shown, execution }) => [
      name,
      kind,
      type,
      shown,
      execution === undefined ? '' : cellLabel(execution),
    ]);
    return succeed(showTable(['name', 'kind', 'type', 'value', 'from'], rows));
  },
};

export const reset: Magic = {
  usage: '%reset [NAME …]',
  help: 'Forgets all names of the notebook, at once, or just these. The process, its modules and the files stay; restart the kernel to lose those as well.',
  async run({ cell, line, session }) {
    const { namespace, language } = session;
    const wanted = line.words.map(({ text }) => text);
    const known = language.names();
    const strange = line.words.find(({ text }) => !known.includes(text));
    if (strange)
      throw pointAt(
        line.text,
        strange,
        `The notebook has no name ${strange.text}.${didYouMean(strange.text, known)} %who lists them all.`,
      );
    const { names } = await namespace.chore('forget', wanted.length === 0 ? {} : { names: wanted }, cell.signal);
    if (wanted.length === 0) await language.reset();
    else await language.forget(wanted);
    const count = `${names.length} name${names.length === 1 ? '' : 's'}`;
    return succeed(showText(wanted.length === 0 ? `Forgot ${count}.` : `Forgot ${wanted.join(', ')}.`));
  },
  offers: ({ session }) => offer('variable', session.language.names()),
};

const CHECKS: Readonly<Record<keyof Checks, string>> = {
  check: 'type errors stop a cell; off, only what does not parse does',
  strict: 'all strict checks',
  noImplicitAny: 'what has no type and no value to take it from is a mistake',
  strictNullChecks: 'null and undefined are types of their own',
  strictFunctionTypes: 'parameters of functions are compared strictly',
  strictBindCallApply: 'the arguments of bind, call and apply are checked',
  strictPropertyInitialization: 'properties of a class have a value when it is made',
  noImplicitThis: 'this has a type',
  useUnknownInCatchVariables: 'what a catch clause catches is unknown',
  noUncheckedIndexedAccess: 'an element of an array may be undefined',
  exactOptionalPropertyTypes: 'an optional property may be absent, not undefined',
  noImplicitReturns: 'every path of a function returns',
  noImplicitOverride: 'overriding needs the word override',
  noFallthroughCasesInSwitch: 'a case ends by break, return or throw',
  noPropertyAccessFromIndexSignature: 'keys that are not declared are read in brackets',
};

export const typescript: Magic = {
  usage: '%ts [OPTION=true|false …]',
  help: "Sets how strictly the cells of this notebook are checked from now on; alone, shows it. The folder's tsconfig.json counts where %ts has said nothing.",
  manual: () => {
    const rows = twoColumns(Object.entries(CHECKS).map(([name, help]) => [`  ${name}`, help]));
    return [typescript.usage, '', typescript.help, '', ...rows].join('\n');
  },
  async run(call) {
    const { line, session } = call;
    if (line.words.length === 0) return succeed(showChecks(await session.language.checks()));
    const checks = Object.fromEntries(line.words.map((word) => toCheck(line.text, word)));
    await session.language.setChecks(checks);
    return succeed(
      showText(
        Object.entries(checks)
          .map(([name, on]) => `${name} is ${on ? 'on' : 'off'}.`)
          .join(' '),
      ),
    );
  },
  offers: ({ partial }) => {
    const equals = partial.indexOf('=');
    return equals < 0
      ? offer(
          'option',
          Object.keys(CHECKS).flatMap((name) => [`${name}=false`, `${name}=true`]),
        )
      : { ...offer('value', ['true', 'false']), kept: equals + 1 };
  },
};

function showChecks({ checks, config, complaints }: AppliedChecks): Shown {
  const sources = { default: 'by default', tsconfig: config ?? 'tsconfig.json', notebook: '%ts' };
  const rows = checks.map(({ name, isOn, from }) => [name, isOn ? 'on' : 'off', sources[from], CHECKS[name]]);
  const found =
    config === undefined ? 'There is no tsconfig.json over this folder.' : `The tsconfig.json is ${config}.`;
  return showTable(['check', '', 'set by', 'what it means'], rows, '', [found, ...complaints].join('\n'));
}

function toCheck(line: string, word: Word): [string, boolean] {
  const [name = '', value = 'true', ...more] = word.text.split('=');
  if (!Object.hasOwn(CHECKS, name))
    throw pointAt(
      line,
      word,
      `%ts has no option ${JSON.stringify(name)}.${didYouMean(name, Object.keys(CHECKS))} Known: ${Object.keys(CHECKS).join(', ')}.`,
    );
  if ((value !== 'true' && value !== 'false') || more.length > 0)
    throw pointAt(line, word, `${name} is true or false, not ${JSON.stringify([value, ...more].join('='))}.`);
  return [name, value === 'true'];
}

function refuseWords(line: string, words: readonly Word[]): void {
  const [word] = words;
  if (word) throw pointAt(line, word, `${line.split(/\s/)[0] ?? ''} takes nothing.`);
}

function rest(line: string, from: number): { start: number; end: number } {
  const start = from + (/^\s*/.exec(line.slice(from))?.[0].length ?? 0);
  return { start, end: line.length };
}

function unquoted(text: string): string {
  return /^(["'])([^]*)\1$/.exec(text)?.[2] ?? text;
}
