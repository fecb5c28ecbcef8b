// `npm run site [-- --output DIR]`: the documents as a site of plain files, build/site by default. It asks for nothing from elsewhere, and can be read from the disk.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runScript, setUp } from './setup.mjs';
import { root } from './setup/places.mjs';

await runScript(async () => {
  const { values } = parseArgs({ options: { output: { type: 'string' } } });
  await setUp({ jupyter: false });
  // Only now: the packages that these load may have been installed just above.
  const { placeOf, sitePages } = await import('./site/pages.mjs');
  const { renderPage, titleOf } = await import('./site/render.mjs');
  const output = resolve(values.output ?? join(root, 'build', 'site'));
  const { groups, pages } = sitePages();
  const texts = new Map(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]));
  const titles = new Map([...texts].map(([page, text]) => [page, titleOf(text, page)]));
  rmSync(output, { recursive: true, force: true });
  for (const [page, text] of texts) {
    const path = join(output, placeOf(page));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, renderPage({ page, text, groups, titles, pages: new Set(pages) }));
  }
  cpSync(join(root, 'scripts', 'site', 'style.css'), join(output, 'style.css'));
  const pictures = join('docs', 'pictures');
  if (existsSync(join(root, pictures))) cpSync(join(root, pictures), join(output, pictures), { recursive: true });
  console.log(`${pages.length} pages: ${join(output, 'index.html')}`);
  return 0;
});
