// The pages of docs/reference, each from the table that is the truth about it.
import prettier from 'prettier';
import { load } from '../load.mjs';
import { refuseUnknownLicences, shippedParts } from '../pack/licences.mjs';
import { buildPrograms } from '../setup/programs.mjs';
import { root } from '../setup/places.mjs';
import { join } from 'node:path';

/** @returns {Promise<{ file: string, text: string }[]>} */
export async function reference() {
  const pages = [
    await options(),
    await magics(),
    await config(),
    await commandLine(),
    await errors(),
    await licences(),
  ];
  const style = await prettier.resolveConfig(join(root, 'README.md'));
  return await Promise.all(
    pages.map(async ({ file, lines }) => ({
      file: `docs/reference/${file}`,
      text: await prettier.format([...lines, ''].join('\n'), { ...style, parser: 'markdown' }),
    })),
  );
}

async function options() {
  const { OPTIONS } = await load('magics/options.ts');
  const rows = Object.values(OPTIONS).map(({ flag, short, aliases = [], argument, help }) => [
    [flag, short, ...aliases]
      .filter((word) => word !== undefined)
      .map(code)
      .join(' '),
    argument === undefined ? '' : code(argument),
    help,
  ]);
  return page(
    'options.md',
    'Options of `%%cluster`',
    'A line `%%cluster [NAME] [OPTIONS]` sends the rest of its cell to a cluster.',
    [...table(['option', 'value', 'what it does'], rows)],
  );
}

async function magics() {
  const { MAGICS } = await load('magics/table.ts');
  const { COMMANDS } = await load('magics/commands.ts');
  return page('magics.md', 'Magics', 'Lines at the top of a cell. A question mark behind one explains it.', [
    ...table(
      ['magic', 'what it does'],
      Object.values(MAGICS).map(({ usage, help }) => [code(usage), help]),
    ),
    '',
    '## `%cluster`',
    '',
    ...table(
      ['command', 'what it does'],
      Object.values(COMMANDS).map(({ usage, help }) => [code(`%cluster ${usage}`), help]),
    ),
  ]);
}

async function config() {
  const { clusterEntry } = await load('magics/config/schema.ts');
  const rows = Object.entries(clusterEntry.shape).flatMap(([key, type]) => {
    const own = [[code(key), type.description ?? '']];
    // What may be written in a shorter form is a pipe.
    const bare = type.unwrap?.();
    const inner = bare?.shape ?? bare?.out?.shape;
    if (inner === undefined) return own;
    return [...own, ...Object.entries(inner).map(([name, field]) => [code(`${key}.${name}`), field.description ?? ''])];
  });
  return page(
    'config.md',
    'Configuration',
    'Clusters are described in `~/.config/cellburst/config.yaml` (or the file that `CELLBURST_CONFIG` names), and for one project in a `cellburst.yaml` beside its notebooks or in a folder above them. The project wins, key by key; `%cluster config explain NAME` tells where each value comes from.',
    [
      '```yaml',
      'default: hpc # the cluster of cells that name none',
      'clusters:',
      '  hpc:',
      '    scheduler: slurm',
      '    host: me@login.example.org',
      '```',
      '',
      '## Keys of a cluster',
      '',
      ...table(['key', 'meaning'], rows),
    ],
  );
}

async function commandLine() {
  const { COMMANDS } = await load('cli/table.ts');
  const { ABOUT_IDS, ENVIRONMENT, groupsOf, spellingOf } = await load('cli/help.ts');
  const { EXIT_MEANINGS } = await load('cli/exit.ts');
  const { GLOBAL_FLAGS } = await load('cli/parse.ts');
  const flagTable = (flags) =>
    table(
      ['option', 'what it does'],
      flags.map((flag) => [code(spellingOf(flag)), flag.help]),
    );
  const listed = Object.entries(COMMANDS).filter(([, { isHidden }]) => !isHidden);
  const sections = listed.flatMap(([name, { usage, about, more, flags }]) => {
    const own = flags.filter(({ group }) => group === undefined);
    return [
      `## \`cellburst ${name}\``,
      '',
      '```text',
      `cellburst ${name} ${usage}`.trim(),
      '```',
      '',
      about,
      ...(more === undefined ? [] : ['', more]),
      ...(own.length === 0 ? [] : ['', ...flagTable(own)]),
      ...groupsOf(flags).flatMap(([heading, ofIt]) => ['', heading, '', ...flagTable(ofIt)]),
      '',
    ];
  });
  return page('command-line.md', 'Command line', 'The `cellburst` command. Every command takes these:', [
    ...flagTable(GLOBAL_FLAGS),
    '',
    ABOUT_IDS,
    '',
    '## Exit codes',
    '',
    ...table(
      ['code', 'meaning'],
      EXIT_MEANINGS.map(([number, meaning]) => [String(number), meaning]),
    ),
    '',
    '## Environment',
    '',
    ...table(
      ['variable', 'meaning'],
      ENVIRONMENT.map(([name, meaning]) => [code(name), meaning]),
    ),
    '',
    '## Completion',
    '',
    '```sh',
    'eval "$(cellburst completion bash)"   # in ~/.bashrc; zsh the same in ~/.zshrc after compinit',
    'cellburst completion fish | source    # in ~/.config/fish/config.fish',
    '```',
    '',
    ...sections,
  ]);
}

async function errors() {
  const { ERRORS, CAUSES, OTHER_ENDS } = await load('magics/failure.ts');
  return page(
    'errors.md',
    'Errors',
    'Every error says what could not be done, with what, why, and what to do next. In a cell it is an ordinary exception: `error.code` tells the kind.',
    [
      ...table(
        ['code', 'what happened', 'what to do'],
        Object.entries(ERRORS).map(([name, { means, remedy }]) => [code(name), means, remedy]),
      ),
      '',
      '## Why a job left no result',
      '',
      "Each cause has a class of its own, which a cell can import from `'cellburst'`; a job that ended and left no result is a `JobFailedError` as well. Their fields hold what is known: `jobId`, `cluster`, `nativeId`, `reason`, `advice`, `exitCode`, `signal`, `node`, `memoryAskedMiB`, `memoryUsedMiB`, `timeAskedSeconds`, `timeUsedSeconds`, `schedulerWords`, `lastLines`.",
      '',
      ...table(
        ['class', 'code', 'what happened', 'what to do'],
        [...Object.values(CAUSES), ...OTHER_ENDS].map(({ error, code: word, means, remedy }) => [
          code(error.name),
          code(word),
          means,
          remedy,
        ]),
      ),
      '',
      'The error of a cell is shown where it ran. To handle one in code, send the cell with `--detach` and wait for its job:',
      '',
      '```ts',
      "import { cluster, JobFailedError, OutOfMemoryError } from 'cellburst';",
      '',
      'try {',
      "  await cluster.wait('k3f9xy');",
      '} catch (error) {',
      '  if (error instanceof OutOfMemoryError) console.log(`it used ${error.memoryUsedMiB} MiB of ${error.memoryAskedMiB}`);',
      '  else if (error instanceof JobFailedError) console.log(error.code, error.reason, error.schedulerWords);',
      '  else throw error;',
      '}',
      '```',
    ],
  );
}

/** Of what `npm run pack` makes. */
async function licences() {
  await buildPrograms();
  const { bundled, installed, extension } = await shippedParts();
  refuseUnknownLicences([...bundled, ...installed, ...extension]);
  const rows = (parts) => parts.map(({ name, version, license, note }) => [name, version, license, note ?? '']);
  const headings = ['package', 'version', 'licence', ''];
  return page(
    'licences.md',
    'Licences of what is shipped',
    'Cellburst is under the Apache Licence 2.0. All that is shipped with it is under licences that let anybody use it for anything; `npm run pack` stops at one that is not known to.',
    [
      ...[
        '## In the programs',
        '',
        'Their texts lie in `dist/THIRD-PARTY-LICENSES.txt`.',
        '',
        ...table(headings, rows(bundled)),
        '',
      ],
      ...['## Beside them, installed by npm', '', ...table(headings, rows(installed)), ''],
      ...["## In JupyterLab's extension", '', ...table(headings, rows(extension))],
    ],
  );
}

function page(file, title, about, lines) {
  return {
    file,
    lines: [`# ${title}`, '', '<!-- Written by `npm run docs`; changes here are lost. -->', '', about, '', ...lines],
  };
}

function table(headings, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)];
}

function code(text) {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
