// Amounts as people write them on a magic line, and as we show them: memory in binary units (Slurm, PBS and Grid Engine all take 1 GB as 1024 MB), times as in Slurm or with unit letters.
import * as z from 'zod';

const MEMORY_UNITS: Readonly<Record<string, number>> = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };

/** `4GB`, `512M`, `1.5 GiB`, a bare number is MB → MiB. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?b?|b?)$/i.exec(text.trim());
  if (!match) return undefined;
  const [, amount = '', unit = 'm'] = match;
  const mebibytes = Number(amount) * (MEMORY_UNITS[unit.toLowerCase()] ?? 1);
  return mebibytes >= 1 ? Math.ceil(mebibytes) : undefined;
}

const SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** `30m`, `1h30m`, `2d`, `90s`, `1:30:00` (h:m:s), `1-12:00:00` (days), a bare number is minutes → seconds. */
export function parseDuration(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (/^\d+$/.test(word)) return positive(Number(word) * 60);
  const clock = /^(?:(\d+)-)?(\d+):(\d{1,2})(?::(\d{1,2}))?$/.exec(word);
  if (clock) {
    const [, days = '0', first = '0', second = '0', third] = clock;
    // Slurm reads a:b as minutes:seconds; with days or three fields the first is hours.
    if (third === undefined && clock[1] === undefined) return positive(Number(first) * 60 + Number(second));
    return positive(Number(days) * 86_400 + Number(first) * 3600 + Number(second) * 60 + Number(third ?? 0));
  }
  if (!/^(\d+(\.\d+)?[dhms])+$/.test(word)) return undefined;
  const parts = [...word.matchAll(/(\d+(?:\.\d+)?)([dhms])/g)];
  return positive(
    Math.ceil(parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (SECONDS[unit] ?? 0), 0)),
  );
}

function positive(seconds: number): number | undefined {
  return seconds > 0 ? seconds : undefined;
}

/** A zod type of text that `parse` turns into an amount. */
export function quantity(parse: (text: string) => number | undefined, expected: string) {
  return z.string().transform((text, context) => {
    const amount = parse(text);
    if (amount !== undefined) return amount;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
}

/** `850 MB`, `4 GB`. */
export function showMemory(mebibytes: number): string {
  if (mebibytes < 1024) return `${Math.round(mebibytes)} MB`;
  const gibibytes = mebibytes / 1024;
  return `${gibibytes >= 10 ? Math.round(gibibytes) : Math.round(gibibytes * 10) / 10} GB`;
}

/** `120 B`, `3.4 kB`, `80 MB`: decimal, as file sizes are shown. */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${unit === 0 || amount >= 10 ? Math.round(amount) : Math.round(amount * 10) / 10} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function showDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
