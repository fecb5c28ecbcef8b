// The sum over everything that was tested, and by name what failed and what was left out.
import { relative } from 'node:path';
import { root } from '../setup/places.mjs';

export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  #failures = [];
  #skips = [];
  /** Tests per file of the run on this Node. */
  #counts = new Map();

  pass() {
    this.passed += 1;
  }

  /** @param {string} name */
  fail(name) {
    this.failed += 1;
    this.#failures.push(name);
  }

  /**
   * @param {string} name
   * @param {string} reason
   * @param {number} count how many tests that are
   */
  skip(name, reason, count = 1) {
    this.skipped += count;
    this.#skips.push(reason === '' ? name : `${name} (${reason})`);
  }

  /**
   * Adds a report of Jest (`--json`).
   * @param {string} where it ran: `Node 22.23.3`
   */
  addReport(report, where) {
    for (const file of report.testResults) {
      const path = relative(root, file.name);
      if (!this.#counts.has(path)) this.#counts.set(path, file.assertionResults.length);
      const left = new Map();
      for (const { status, fullName, ancestorTitles = [] } of file.assertionResults) {
        const name = `${where}: ${path}: ${fullName}`;
        if (status === 'passed') this.pass();
        else if (status === 'failed') this.fail(name);
        else {
          const group = groupOf(ancestorTitles);
          const title = group === undefined ? name : `${where}: ${path}: ${group}`;
          left.set(title, (left.get(title) ?? 0) + 1);
        }
      }
      for (const [title, count] of left) this.skip(count === 1 ? title : `${title}: ${count} tests`, '', count);
      const explained = file.assertionResults.some(({ status }) => status === 'failed');
      if (file.status === 'failed' && !explained) this.fail(`${where}: ${path}: does not run`);
    }
  }

  /** Tests below these folders, as counted so far. */
  countIn(folders) {
    const isIn = (path) => folders.some((folder) => path.startsWith(`${folder}/`));
    return [...this.#counts].filter(([path]) => isIn(path)).reduce((sum, [, count]) => sum + count, 0);
  }

  /** The last line is the sum, alone. */
  print() {
    if (this.#skips.length > 0) console.log(`\nNot tested on this machine:\n${list(this.#skips)}`);
    if (this.#failures.length > 0) console.log(`\nFailed:\n${list(this.#failures)}`);
    console.log(`\n${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
  }
}

/** Tests that are left out together, for one reason, are one line: the title that says why. */
function groupOf(titles) {
  const last = titles.findIndex((title) => title.includes('(not tested: '));
  return last === -1 ? undefined : titles.slice(0, last + 1).join(' ');
}

function list(lines) {
  return lines.map((line) => `  ${line}`).join('\n');
}
