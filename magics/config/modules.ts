// Shell lines that load a site's modules (Environment Modules, Lmod). `module` is a function that login shells have; a batch script, and a command over SSH, is none.
// Sources: module(1) of Environment Modules 5.2, the Lmod 8.7 documentation ("How to make modules available to non-interactive shells").

/** Exit code of a script whose modules could not be loaded: EX_CONFIG of sysexits.h. */
export const NO_MODULES = 78;

/** Names and versions as sites write them; nothing that a shell would read as more than a word. */
export const MODULE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+@:/=-]*$/;

/** What defines `module` where /etc/profile does not. */
const INITS = [
  '"${LMOD_PKG:-/usr/share/lmod/lmod}"/init/sh',
  '"${MODULESHOME:-/usr/share/modules}"/init/sh',
  '/usr/share/Modules/init/sh',
];

/** POSIX sh. Ends the script, with words on standard error, when one of them cannot be loaded. */
export function moduleLines(modules: readonly string[]): string[] {
  if (modules.length === 0) return [];
  const fail = (words: string) => `{ echo "Cellburst: ${words}" >&2; exit ${NO_MODULES}; }`;
  return [
    // What the profile says of the PATH comes after what is there.
    'cellburst_path=$PATH',
    // A profile that this shell cannot read would end it, without a word: tried apart first.
    'command -v module >/dev/null 2>&1 || ! (. /etc/profile; :) >/dev/null 2>&1 || . /etc/profile >/dev/null 2>&1',
    'PATH=$cellburst_path:$PATH',
    `for cellburst_init in ${INITS.join(' ')}; do`,
    '  command -v module >/dev/null 2>&1 || [ ! -r "$cellburst_init" ] || . "$cellburst_init"',
    'done',
    `command -v module >/dev/null 2>&1 || ${fail('there is no command `module` on $(uname -n), for `modules:` of this cluster')}`.replaceAll(
      '`',
      String.raw`\``,
    ),
    // One by one: the first that fails is named, and some versions forget the failure of all but the last.
    ...modules.map((name) => `module load ${name} || ${fail(`the module ${name} could not be loaded on $(uname -n)`)}`),
  ];
}
