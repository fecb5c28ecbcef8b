import { recorded, recordingsOf, briefs } from './recorded';
import { parseQueue, parseAccounting, slurm } from '../../magics/schedulers/slurm';
import { gridEngine } from '../../magics/schedulers/gridengine';
import { pbs } from '../../magics/schedulers/pbs';
import { writeFileSync } from 'node:fs';
const LETTERS: any = {
  i: 'JobArrayID',
  T: 'State',
  r: 'Reason',
  N: 'NodeList',
  S: 'StartTime',
  e: 'EndTime',
  j: 'Name',
};
test('dump', () => {
  const out: string[] = [];
  const t = (s: string, n: string, f: () => any) => {
    let r;
    try {
      r = f();
    } catch (e: any) {
      r = { throws: e.message, transient: e.transient };
    }
    out.push(`${s} ${n} ${JSON.stringify(r)}`);
  };
  for (const n of recordingsOf('slurm-22.05', /^squeue-/)) {
    const r = recorded('slurm-22.05', n);
    const f = /-o '([^']*)'/.exec(r.command)?.[1] ?? '%i';
    t('Q', n, () =>
      briefs(
        parseQueue(
          r,
          f.split('|').map((x) => LETTERS[x[1]!] ?? ''),
        ),
      ),
    );
  }
  for (const n of recordingsOf('slurm-22.05', /^sacct-/)) {
    const r = recorded('slurm-22.05', n);
    const f = /-o (\S+)/.exec(r.command)?.[1] ?? 'JobID';
    t('A', n, () => briefs(parseAccounting(r, f.split(',') as any)));
  }
  for (const n of recordingsOf('slurm-22.05', /^sbatch-/))
    t('S', n, () => slurm.parseSubmit(recorded('slurm-22.05', n)));
  for (const n of recordingsOf('slurm-22.05', /^scancel-/))
    t('C', n, () => slurm.confirmChange('cancel', recorded('slurm-22.05', n)) ?? 'ok');
  const g = 'gridengine-8.1.9';
  for (const n of recordingsOf(g, /^qstat-xml-|^qstat-error/))
    t('Q', n, () => briefs(gridEngine.parseStatus(recorded(g, n))));
  for (const n of recordingsOf(g, /^qacct-/))
    t('A', n, () =>
      [...gridEngine.parseHistory(recorded(g, n))].map(([i, o]) => [
        i,
        (briefs(new Map([[i, o]])) as any)[i],
        (o.sighting as any).explanation?.reason,
      ]),
    );
  for (const n of recordingsOf(g, /^qstat-j-xml/)) t('J', n, () => gridEngine.explain!.parse(recorded(g, n)) ?? null);
  for (const n of recordingsOf(g, /^qsub-/)) t('S', n, () => gridEngine.parseSubmit(recorded(g, n)));
  for (const n of recordingsOf(g, /^qdel-/))
    t('C', n, () => gridEngine.confirmChange('cancel', recorded(g, n)) ?? 'ok');
  const p = 'openpbs-23.06';
  for (const n of recordingsOf(p, /^qstat-/)) t('Q', n, () => briefs(pbs.parseStatus(recorded(p, n))));
  for (const n of recordingsOf(p, /^qsub-/)) t('S', n, () => pbs.parseSubmit(recorded(p, n)));
  for (const n of recordingsOf(p, /^qdel-/)) t('C', n, () => pbs.confirmChange('cancel', recorded(p, n)) ?? 'ok');
  t('F', 'qselect', () => pbs.searches('x.abcdefgh')[0]!.parse(recorded(p, 'qselect-x')));
  writeFileSync('/tmp/cb-dump.txt', out.join('\n'));
});
