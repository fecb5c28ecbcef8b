// A document of ours as a page. Pure: text in, HTML out.
import { Marked } from 'marked';
import { gfmHeadingId } from 'marked-gfm-heading-id';
import { posix } from 'node:path';
import { placeOf } from './pages.mjs';

/**
 * @param {{ page: string, text: string, groups: [string, string[]][], titles: Map<string, string>, pages: Set<string> }} given `page`: its path in the clone; `titles`: of all pages
 * @returns {string}
 */
export function renderPage({ page, text, groups, titles, pages }) {
  const up = '../'.repeat(page.split('/').length - 1);
  const marked = new Marked(gfmHeadingId(), { renderer: { link: (link) => renderLink(link, page, pages) } });
  const body = marked
    .parse(page.endsWith('.ipynb') ? toMarkdown(text) : text)
    .replaceAll('<table>', '<div class="wide"><table>')
    .replaceAll('</table>', '</table></div>');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(titles.get(page))}${page === 'README.md' ? '' : ' · Cellburst'}</title>
<link rel="stylesheet" href="${up}style.css">
</head>
<body>
<a class="skip" href="#content">To the text</a>
<nav aria-label="Pages">${navigation(page, up, groups, titles)}</nav>
<main id="content">
${body}</main>
</body>
</html>
`;
}

/** The first heading. */
export function titleOf(text, page) {
  const source = page.endsWith('.ipynb') ? toMarkdown(text) : text;
  const [, title] = /^# (.+)$/m.exec(source) ?? [];
  if (title === undefined) throw new Error(`${page} has no heading.`);
  return title.replaceAll(/[`*_]/g, '');
}

/** Cells in order; what they show is shown where they are run. */
function toMarkdown(text) {
  const { cells } = JSON.parse(text);
  return cells
    .map(({ cell_type: type, source }) => (type === 'code' ? `\`\`\`ts\n${source.join('')}\n\`\`\`` : source.join('')))
    .join('\n\n');
}

function navigation(page, up, groups, titles) {
  const item = (other) => {
    const here = other === page ? ' aria-current="page"' : '';
    return `<li><a href="${up}${placeOf(other)}"${here}>${escapeHtml(titles.get(other))}</a></li>`;
  };
  return groups.map(([name, pages]) => `<h2>${name}</h2><ul>${pages.map(item).join('')}</ul>`).join('\n');
}

/** To another page: its place in the site. To a file that has no page: its name, since a site has no sources. */
function renderLink({ href, text }, page, pages) {
  const shown = inlineCode(text);
  if (/^[a-z]+:/.test(href) || href.startsWith('#')) return `<a href="${escapeHtml(href)}">${shown}</a>`;
  const [path, anchor] = href.split('#');
  const target = posix.normalize(posix.join(posix.dirname(page), path));
  if (!pages.has(target)) return `<span title="${escapeHtml(target)}">${shown}</span>`;
  const place = posix.relative(posix.dirname(placeOf(page)), placeOf(target));
  return `<a href="${place}${anchor === undefined ? '' : `#${anchor}`}">${shown}</a>`;
}

function inlineCode(text) {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
