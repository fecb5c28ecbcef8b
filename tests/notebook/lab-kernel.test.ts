// The kernel as a person in JupyterLab has it: typed, run, completed, inspected, interrupted and restarted in a real browser.
import { until } from '../agent/setting';
import { Lab, noChromium, type LabPage } from '../labextension/browser';
import { LabNotebook } from './lab-notebook';
import { describeUnless } from '../unless';

describeUnless(noChromium, 'a notebook in JupyterLab', () => {
  let lab: Lab;
  let page: LabPage;
  let notebook: LabNotebook;
  beforeAll(async () => {
    lab = await Lab.start();
    lab.writeNotebook('typing.ipynb', ['']);
    page = await lab.open('typing.ipynb');
    notebook = new LabNotebook(page.page);
    await notebook.isIdle();
  }, 120_000);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  }, 60_000);
  afterEach(() => {
    expect(page.errors).toEqual([]);
  });

  test('what is typed is run by a key, counted, and its value shown', async () => {
    const cell = await notebook.type(
      'interface Planet { name: string; radius: number }\nconst planets: Planet[] = [{ name: "Mars", radius: 3389.5 }];\nplanets.length',
    );
    await notebook.press('Shift+Enter');
    await cell.output.getByText('1', { exact: true }).waitFor();
    await until('the cell is counted', async () => (await cell.prompt()) === '[1]:');
    const other = await notebook.type('planets[0]');
    await notebook.press('Control+Enter');
    await other.output.getByText("{ name: 'Mars', radius: 3389.5 }").waitFor();
  });

  test('TypeScript is coloured as such', async () => {
    const cell = await notebook.type('const answer: number = 42;');
    await until('the words have looks of their own', async () => (await cell.looks(['const', '42'])).size === 2);
  });

  test('Tab completes members, with what each is', async () => {
    const cell = await notebook.type('planets[0].');
    await notebook.press('Tab');
    const completer = page.page.locator('.jp-Completer');
    await completer.getByText('radius', { exact: true }).waitFor();
    await notebook.keepPicture('completer');
    const items = await completer.locator('.jp-Completer-item').allInnerTexts();
    expect(items.map((item) => item.split(/\s+/).filter((word) => word.length > 1))).toEqual([
      expect.arrayContaining(['name', 'property']) as string[],
      expect.arrayContaining(['radius', 'property']) as string[],
    ]);
    await notebook.press('ArrowDown');
    await notebook.press('Enter');
    await until('the word is completed', async () => (await cell.text()) === 'planets[0].radius');
    await notebook.press('Shift+Enter');
    await cell.output.getByText('3389.5').waitFor();
  });

  test('Shift+Tab shows the type and the documentation', async () => {
    const define = await notebook.type('/** Doubles it. */\nfunction double(x: number): number { return 2 * x; }');
    await notebook.press('Shift+Enter');
    await until('it is defined', async () => /\[\d+\]/.test(await define.prompt()));
    await notebook.type('double');
    await notebook.press('Shift+Tab');
    const tooltip = page.page.locator('.jp-Tooltip');
    await tooltip.getByText('function double(x: number): number').waitFor();
    await tooltip.getByText('Doubles it.').waitFor();
    await notebook.keepPicture('tooltip');
    await notebook.press('Escape');
  });

  test('a type error is shown in colour, with the line, before anything ran', async () => {
    const cell = await notebook.type('const ran = 1;\nconst wrong: string = planets.length;');
    await notebook.press('Control+Enter');
    await cell.output.getByText("Type 'number' is not assignable to type 'string'.").first().waitFor();
    expect(await cell.output.locator('.ansi-red-fg').first().innerText()).toBe('error');
    expect(await cell.output.innerText()).toMatch(/Cell \[\d+\]:2:7/);
  });

  test('an error has its name in colour, and the lines of the cell', async () => {
    const cell = await notebook.type('function fail(): never {\n  throw new RangeError("too far");\n}\nfail();');
    await notebook.press('Control+Enter');
    await cell.output.getByText('too far').first().waitFor();
    const text = await cell.output.innerText();
    expect(text).toMatch(/at fail \(Cell \[\d+\]:2:9\)/);
    expect(text).not.toMatch(/node:internal|user\.js/);
    await notebook.keepPicture('errors');
    expect(await cell.output.locator('[class*=ansi-red]').first().innerText()).toContain('RangeError');
  });

  test('the interrupt button ends a busy loop, and the names stay', async () => {
    const cell = await notebook.type('let turns = 0;\nconsole.log("spinning");\nwhile (true) turns++;');
    await notebook.press('Control+Enter');
    await cell.output.getByText('spinning').waitFor();
    expect(await cell.prompt()).toBe('[*]:');
    await notebook.button('interrupt').click();
    await cell.output.getByText('KeyboardInterrupt').first().waitFor();
    await notebook.isIdle();
    const after = await notebook.type('turns > 0 && planets.length');
    await notebook.press('Control+Enter');
    await after.output.getByText('1', { exact: true }).waitFor();
  });

  test('input() opens a box under the cell, and goes on with what is typed there', async () => {
    const cell = await notebook.type(
      'import { input } from "cellburst";\nconst given = await input("Which planet? ");\n`You said ${given}.`',
    );
    await notebook.press('Control+Enter');
    const box = cell.node.locator('.jp-Stdin-input');
    await box.waitFor();
    await notebook.keepPicture('input');
    expect(await cell.node.locator('.jp-Stdin-prompt').innerText()).toContain('Which planet?');
    await box.fill('Venus');
    await box.press('Enter');
    await cell.output.getByText("'You said Venus.'").waitFor();
  });

  test.each<[string, string, string]>([
    ['HTML', 'html("<b id=bold>bold</b>")', '.jp-RenderedHTMLCommon b#bold'],
    ['Markdown', 'markdown("# Title")', '.jp-RenderedMarkdown h1'],
    ['LaTeX', 'latex("$x^2$")', '.jp-RenderedLatex mjx-container'],
    [
      'SVG',
      `svg('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>')`,
      '.jp-RenderedSVG img',
    ],
    ['JSON as a tree', 'json({ a: [1, 2] })', '.jp-RenderedJSON'],
    ['a table', 'table([{ planet: "Mars", moons: 2 }])', '.jp-RenderedHTMLCommon table td'],
    [
      'a chart',
      'vegaLite({ data: { values: [{ a: 1 }] }, mark: "point", encoding: { x: { field: "a", type: "quantitative" } } })',
      '.vega-embed canvas, .vega-embed svg',
    ],
  ])('%s is shown as what it is', async (_, call, shown) => {
    const cell = await notebook.type(`import * as cellburst from "cellburst";\ncellburst.${call}`);
    await notebook.press('Control+Enter');
    await cell.output.locator(shown).first().waitFor();
  });

  test('a display is updated in place', async () => {
    const cell = await notebook.type(
      'import { newDisplay } from "cellburst";\nconst bar = newDisplay();\nfor (const n of [1, 2, 3]) bar.html(`<i>step ${n}</i>`);',
    );
    await notebook.press('Control+Enter');
    await cell.output.getByText('step 3').waitFor();
    expect(await cell.output.locator('i').count()).toBe(1);
    await notebook.keepPicture('displays');
  });

  test('the restart button forgets all names, and counts anew', async () => {
    await notebook.button('restart').click();
    await page.page.locator('.jp-Dialog button.jp-mod-accept').click();
    await notebook.isIdle();
    const gone = await notebook.type('planets');
    await notebook.press('Control+Enter');
    await gone.output.getByText("Cannot find name 'planets'").first().waitFor();
    const again = await notebook.type('6 * 7');
    await notebook.press('Control+Enter');
    await again.output.getByText('42').waitFor();
    expect(await again.prompt()).toBe('[2]:');
  });
});
