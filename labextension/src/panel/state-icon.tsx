// A job's state as a shape: told apart without colour, and always with its word beside it.
import * as React from 'react';
import type { Look } from '../model/words';

const RING = 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.6a4.9 4.9 0 1 1 0 9.8 4.9 4.9 0 0 1 0-9.8z';
const DISC = 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z';

/** Drawn on 16 × 16; the hole of a disc by the even-odd rule. */
const PATHS: Readonly<Record<Look, string>> = {
  preparing: `${RING} M4.6 7.2h1.7v1.6H4.6zM7.15 7.2h1.7v1.6h-1.7zM9.7 7.2h1.7v1.6H9.7z`,
  queued: `${RING} M7.2 4.4h1.6v3.3l2.3 1.4-.8 1.4-3.1-1.9z`,
  running: `${DISC} M6.4 4.9v6.2L11.3 8z`,
  cancelling: `${RING} M5.4 5.4h5.2v5.2H5.4z`,
  succeeded: `${DISC} M4.4 8.2l1.1-1.1 1.7 1.7 3.4-3.5 1.1 1.1-4.5 4.7z`,
  threw: `${DISC} M7.2 4.2h1.6v4.9H7.2zM7.2 10.2h1.6v1.6H7.2z`,
  failed: `${DISC} M5.6 4.5L8 6.9l2.4-2.4 1.1 1.1L9.1 8l2.4 2.4-1.1 1.1L8 9.1l-2.4 2.4-1.1-1.1L6.9 8 4.5 5.6z`,
  cancelled: `${RING} M4.6 7.2h6.8v1.6H4.6z`,
  unknown: `${RING} M7.2 10.4h1.6V12H7.2zM5.9 6.3c0-1.2.9-2.1 2.1-2.1s2.2.8 2.2 2c0 1.5-1.4 1.5-1.4 3H7.2c0-2 1.4-2.1 1.4-3 0-.3-.2-.5-.6-.5s-.6.2-.6.6z`,
};

export function StateIcon({ look }: { readonly look: Look }): React.ReactElement {
  return (
    <svg className={`cb-Icon cb-mod-${look}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path fillRule="evenodd" d={PATHS[look]} />
    </svg>
  );
}
