// What decides how a program writes dates and numbers: carried from the notebook to where its cells run.

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = /^(TZ|LANG|LANGUAGE|LC_[A-Z]+)$/;

/** The variables of this environment; the time zone is always among them, by its name. */
export function localeOf(env: Environment): Record<string, string> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const found = Object.entries(env).flatMap(([name, value]) =>
    NAMES.test(name) && value !== undefined && value !== '' ? [[name, value] as const] : [],
  );
  return { TZ: zone, ...Object.fromEntries(found) };
}

/** The language that Node takes from an environment when it starts: `de-DE`; `en-US` where nothing is said (POSIX.1-2017, XBD 8.2). */
export function languageOf(env: Environment): string {
  const said =
    [env['LC_ALL'], env['LC_MESSAGES'], env['LANG']].find((value) => value !== undefined && value !== '') ?? 'C';
  const [name = 'C'] = said.split('.');
  return /^(C|POSIX)$/.test(name) ? 'en-US' : name.replace('_', '-');
}
