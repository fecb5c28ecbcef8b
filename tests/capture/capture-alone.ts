// Captures without a cell process, for benches, which load this file alone.
import { captureCell, forgetCapture } from '../../magics/capture';
import { Notebook } from './notebook';

/** Runs `setUp`, then captures the cluster cell `cell` as often as asked. */
export async function openCapture(setUp: string, cell: string) {
  const notebook = new Notebook();
  await notebook.run(setUp);
  return {
    write: async (bundlePath: string): Promise<void> => {
      const code = notebook.lower(`%%cluster\n${cell}`);
      const { captureId } = await captureCell(notebook.realm, { cell: code, bundlePath });
      forgetCapture(notebook.realm, captureId);
    },
    close: () => {
      notebook.close();
    },
  };
}

/** A notebook whose cells have run; `analyse` finds out what another one needs. */
export async function openNotebook(cells: readonly string[]) {
  const notebook = new Notebook();
  for (const cell of cells) await notebook.run(cell);
  return {
    analyse: async (cell: string): Promise<void> => {
      await captureCell(notebook.realm, { cell: notebook.lower(`%%cluster\n${cell}`) });
    },
    close: () => {
      notebook.close();
    },
  };
}
