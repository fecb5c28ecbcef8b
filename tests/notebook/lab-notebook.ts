// The notebook in front, as what is on the screen: typed into by keys, read by what is shown.
import type { Locator, Page } from 'playwright-core';
import { until } from '../agent/setting';

export class LabCell {
  readonly node: Locator;
  readonly output: Locator;

  constructor(node: Locator) {
    this.node = node;
    this.output = node.locator('.jp-OutputArea');
  }

  /** `[*]:` while it runs. */
  async prompt(): Promise<string> {
    return (await this.node.locator('.jp-InputPrompt').innerText()).trim();
  }

  async text(): Promise<string> {
    return (await this.node.locator('.cm-line').allInnerTexts()).join('\n').replaceAll('\u200b', '');
  }

  /** The colours that these words have. */
  async looks(words: readonly string[]): Promise<Set<string>> {
    const colours = new Set<string>();
    for (const word of words) {
      const found = this.node.locator('.cm-line span', { hasText: word }).last();
      if ((await found.count()) > 0) colours.add(await found.evaluate((span) => getComputedStyle(span).color));
    }
    return colours;
  }
}

export class LabNotebook {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  get #panel(): Locator {
    return this.#page.locator('.jp-NotebookPanel:not(.lm-mod-hidden)');
  }

  /** A new cell at the end, with this text, the cursor behind it. */
  async type(text: string): Promise<LabCell> {
    const cells = this.#panel.locator('.jp-Notebook .jp-CodeCell');
    const before = await cells.count();
    const last = new LabCell(cells.last());
    if ((await last.text()).trim() !== '') {
      await last.node.locator('.jp-InputPrompt').click();
      await this.#command('notebook:insert-cell-below');
      await until('there is one cell more', async () => (await cells.count()) > before);
    }
    const cell = new LabCell(cells.nth((await cells.count()) - 1));
    await cell.node.locator('.cm-content').click();
    // At once, as by pasting: quotes and brackets would be closed by the editor.
    await this.#page.keyboard.insertText(text);
    await until('the text is in the cell', async () => (await cell.text()) === text);
    return cell;
  }

  async press(keys: string): Promise<void> {
    await this.#page.keyboard.press(keys);
  }

  /** Of the notebook's toolbar. */
  button(name: 'interrupt' | 'restart'): Locator {
    return this.#panel.locator(`[data-jp-item-name=${name}] jp-button, [data-jp-item-name=${name}] button`).first();
  }

  /** Waits until the kernel is there and does nothing. */
  async isIdle(): Promise<void> {
    await this.#page
      .locator('#jp-bottom-panel, .jp-StatusBar-Widget')
      .getByText(/\| Idle$/)
      .first()
      .waitFor();
  }

  /** CELLBURST_PICTURES names a folder: what is on the screen is kept there. */
  async keepPicture(name: string): Promise<void> {
    const folder = process.env['CELLBURST_PICTURES'];
    if (folder !== undefined) await this.#page.screenshot({ path: `${folder}/${name}.png` });
  }

  async #command(id: string): Promise<void> {
    // The function runs in the page, where JupyterLab was told to show itself.
    await this.#page.evaluate(
      (command) =>
        (
          window as unknown as { jupyterapp: { commands: { execute(id: string): Promise<unknown> } } }
        ).jupyterapp.commands
          .execute(command)
          .then(() => undefined),
      id,
    );
  }
}
