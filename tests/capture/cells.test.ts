import { Notebook } from './notebook';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});
