// A job's log as it grows. It keeps to the end until the person scrolls up, and goes on when they come back to it.
import * as React from 'react';
import type { FollowedLog } from '../model/followed-log';
import type { Line } from '../model/log';
import { useReadable, type App } from './app';

/** Nearer to the end than this counts as being there, in pixels. */
const AT_END = 24;

export function LogView({
  app,
  job,
  isFollowing,
  onFollowing,
}: {
  readonly app: App;
  readonly job: string;
  readonly isFollowing: boolean;
  readonly onFollowing: (is: boolean) => void;
}): React.ReactElement {
  const log = useLog(app, job);
  return (
    <div className="cb-Log">
      {log && <LogLines key={job} app={app} log={log} isFollowing={isFollowing} onFollowing={onFollowing} />}
    </div>
  );
}

/** Held from when it is shown to when it is not. */
export function useLog({ client }: App, job: string): FollowedLog | undefined {
  const [log, setLog] = React.useState<FollowedLog>();
  React.useEffect(() => {
    const followed = client.followLog(job);
    setLog(followed);
    return () => {
      followed.release();
      setLog(undefined);
    };
  }, [client, job]);
  return log;
}

function LogLines({
  app,
  log,
  isFollowing,
  onFollowing,
}: {
  readonly app: App;
  readonly log: FollowedLog;
  readonly isFollowing: boolean;
  readonly onFollowing: (is: boolean) => void;
}): React.ReactElement {
  const { trans } = app;
  const { lines, isCut, isEnded, isKnown, problem } = useReadable(log.view);
  const scroller = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    const element = scroller.current;
    if (element && isFollowing) element.scrollTop = element.scrollHeight;
  }, [lines, isFollowing]);
  return (
    <div
      ref={scroller}
      className="cb-Log-scroller"
      role="log"
      aria-live="off"
      aria-label={trans.__('Log of job %1', log.job)}
      tabIndex={0}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        const isAtEnd = scrollHeight - clientHeight - scrollTop < AT_END;
        if (isAtEnd !== isFollowing) onFollowing(isAtEnd);
      }}
    >
      {isCut && <div className="cb-Log-note">{trans.__('Earlier output is not shown.')}</div>}
      <div className="cb-Log-lines">
        {lines.map((line) => (
          <LogLine key={line.number} line={line} />
        ))}
      </div>
      {problem !== undefined && <div className="cb-Log-note cb-mod-problem">{problem}</div>}
      {lines.length === 0 && problem === undefined && (
        <div className="cb-Log-note">{emptyWords(isKnown, isEnded, app)}</div>
      )}
    </div>
  );
}

function emptyWords(isKnown: boolean, isEnded: boolean, { trans }: App): string {
  if (isEnded) return trans.__('The job printed nothing.');
  return isKnown ? trans.__('Nothing printed yet.') : trans.__('Waiting for output…');
}

const LogLine = React.memo(function LogLine({ line }: { readonly line: Line }): React.ReactElement {
  return (
    <div className="cb-Log-line">
      {line.spans.map(({ text, styles }, index) =>
        styles.length === 0 ? (
          text
        ) : (
          <span key={index} className={styles.map((style) => `cb-ansi-${style}`).join(' ')}>
            {text}
          </span>
        ),
      )}
      {line.spans.length === 0 && '\u200b'}
    </div>
  );
});
