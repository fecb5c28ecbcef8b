// A notebook in a terminal: cells framed, outputs as they arrive, pictures by name and size, a display that is updated in place where the
// terminal can.

const DIM = '\x1b[2m';
const BOLD = '\x1b[1m';
const PLAIN = '\x1b[0m';

export class Transcript {
  #terminal;
  /** A line that the next update may replace. */
  #open = '';
  /** The last update without its figures: where nothing can be replaced, only news are printed. */
  #shown = '';
  #atLineStart = true;

  /** @param {NodeJS.WriteStream} terminal */
  constructor(terminal) {
    this.#terminal = terminal;
  }

  markdown(source) {
    this.#print(`\n${source.trim()}\n`);
  }

  source(source) {
    const lines = source.trimEnd().split('\n');
    this.#print(`\n${lines.map((line) => `${this.#style(DIM, '▌')} ${this.#style(BOLD, line)}`).join('\n')}\n`);
  }

  /** @param {import('@jupyterlab/services').KernelMessage.IIOPubMessage} message */
  output(_outputs, message) {
    const { content } = message;
    switch (message.header.msg_type) {
      case 'stream':
        return this.#print(content.text);
      case 'error':
        return this.#print(`${this.#colours(content.traceback.join('\n'))}\n`);
      case 'execute_result':
        return this.#print(`${this.#style(DIM, '→')} ${describe(content.data)}\n`);
      case 'display_data':
        return content.transient?.display_id === undefined
          ? this.#print(`${describe(content.data)}\n`)
          : this.#update(describe(content.data));
      case 'update_display_data':
        return this.#update(describe(content.data));
    }
  }

  /** After a cell. */
  end() {
    if (this.#open !== '') this.#terminal.write('\n');
    else if (!this.#atLineStart) this.#terminal.write('\n');
    this.#open = '';
    this.#shown = '';
    this.#atLineStart = true;
  }

  #update(text) {
    const line = text.trim().split('\n').at(-1) ?? '';
    if (this.#terminal.isTTY) {
      if (!this.#atLineStart && this.#open === '') this.#terminal.write('\n');
      this.#terminal.write(`\r\x1b[K${this.#style(DIM, line.slice(0, this.#terminal.columns - 1))}`);
      this.#open = line;
      this.#atLineStart = false;
      return;
    }
    const news = line.replace(/[\d.]+/g, '');
    if (news === this.#shown || news.trim() === '') return;
    this.#shown = news;
    this.#print(`${line}\n`);
  }

  #print(text) {
    if (text === '') return;
    if (this.#open !== '') this.#terminal.write('\r\x1b[K');
    else if (!this.#atLineStart && text.startsWith('\n')) this.#terminal.write('\n');
    this.#terminal.write(text);
    this.#open = '';
    this.#atLineStart = text.endsWith('\n');
  }

  #style(code, text) {
    return this.#terminal.isTTY ? `${code}${text}${PLAIN}` : text;
  }

  #colours(text) {
    // eslint-disable-next-line no-control-regex -- ESC begins every colour sequence
    return this.#terminal.isTTY ? text : text.replace(/\x1b\[[0-9;]*m/g, '');
  }
}

/** The text form; what has none that says something, by its kind and size. */
function describe(data) {
  const text = join(data['text/plain']);
  const pictures = Object.entries(data)
    .filter(([type]) => type.startsWith('image/'))
    .map(([type, content]) => `[${type}, ${(join(content).length / 1000).toFixed(1)} kB]`);
  return [...pictures, text].filter((part) => part !== '').join(' ') || `[${Object.keys(data).join(', ')}]`;
}

function join(text) {
  return Array.isArray(text) ? text.join('') : (text ?? '');
}
