// Does a cluster work? Step by step, as far as wanted: the way there, a tiny job, or everything (what `%cluster doctor NAME` looks at).
import * as React from 'react';
import type { Finding } from '../../../magics/protocol/monitor';
import type { App } from '../panel/app';
import { StateIcon } from '../panel/state-icon';

type What = 'reach' | 'job' | 'all';

export function CheckUp({ app, cluster }: { readonly app: App; readonly cluster: string }): React.ReactElement {
  const { trans, client } = app;
  const [findings, setFindings] = React.useState<readonly Finding[]>([]);
  const [running, setRunning] = React.useState<AbortController>();
  const [told, setTold] = React.useState('');
  React.useEffect(
    () => () => {
      running?.abort();
    },
    [running],
  );
  const examine = (what: What): void => {
    const stop = new AbortController();
    const seen: Finding[] = [];
    setRunning(stop);
    setFindings([]);
    setTold(trans.__('Looking…'));
    const found = (finding: Finding): void => {
      seen.push(finding);
      setFindings([...seen]);
    };
    client
      .examine(cluster, what, found, stop.signal)
      .then(
        () => {
          const bad = seen.filter(({ verdict }) => verdict === 'trouble').length;
          const sum =
            bad === 0 ? trans.__('Everything is in place.') : trans.__('%1 of %2 need attention.', bad, seen.length);
          setTold(stop.signal.aborted ? trans.__('Stopped.') : sum);
        },
        (error: unknown) => {
          setTold(error instanceof Error ? error.message : String(error));
        },
      )
      .finally(() => {
        setRunning((now) => (now === stop ? undefined : now));
      });
  };
  const tests: readonly (readonly [What, string, string])[] = [
    [
      'reach',
      trans.__('Test connect'),
      trans.__('Is the host reached, does it let us in, does our agent start there?'),
    ],
    ['job', trans.__('Test submit'), trans.__('Sends a tiny job and waits for its result.')],
    ['all', trans.__('Doctor'), trans.__('Looks at everything that a job there needs, then sends a tiny one.')],
  ];
  return (
    <section className="cb-CheckUp" aria-label={trans.__('Does it work?')}>
      <div className="cb-Buttons">
        {tests.map(([what, label, title]) => (
          <button
            key={what}
            type="button"
            className="cb-Button"
            data-action={`examine-${what}`}
            title={title}
            disabled={running !== undefined}
            onClick={() => {
              examine(what);
            }}
          >
            {label}
          </button>
        ))}
        {running !== undefined && (
          <button type="button" className="cb-Button" data-action="stop" onClick={() => running.abort()}>
            {trans.__('Stop')}
          </button>
        )}
        <span role="status">{told}</span>
      </div>
      <ul className="cb-CheckUp-findings">
        {findings.map(({ check, verdict, says }, index) => (
          <li key={index} data-verdict={verdict}>
            <StateIcon look={verdict === 'fine' ? 'succeeded' : 'failed'} />
            <span>
              <strong>{check}</strong>{' '}
              <span className="cb-Announcer">
                {verdict === 'fine' ? trans.__('fine') : trans.__('needs attention')}
              </span>
              <span className="cb-Pre">{says}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
