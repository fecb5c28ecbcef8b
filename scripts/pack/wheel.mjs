// The wheel `jupyterlab-cellburst`: the prebuilt extension alone, for those who install what belongs to JupyterLab with pip. No Python is needed to make it.
// Sources: "Binary distribution format" (PyPA), "Core metadata" 2.4, and "Packaging extensions" of JupyterLab's documentation.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { zip } from './zip.mjs';

export const WHEEL_NAME = 'jupyterlab-cellburst';
const MODULE = 'jupyterlab_cellburst';

/**
 * @param {{ version: string, extension: string, license: string, thirdParty: string }} made `extension`: the folder that was built; the others are texts
 * @returns {{ file: string, bytes: Buffer }}
 */
export function wheel({ version, extension, license, thirdParty }) {
  const data = `${MODULE}-${version}.data/data/share/jupyter/labextensions/${WHEEL_NAME}`;
  const about = `${MODULE}-${version}.dist-info`;
  const files = [
    entry(`${MODULE}/__init__.py`, `"""Cellburst's jobs in JupyterLab's sidebar."""\n\n__version__ = "${version}"\n`),
    ...filesOf(extension)
      .filter((name) => name !== 'install.json')
      .map((name) => ({ name: `${data}/${name}`, bytes: readFileSync(join(extension, name)) })),
    entry(`${data}/install.json`, `${JSON.stringify(INSTALL, undefined, 2)}\n`),
    entry(`${about}/METADATA`, metadata(version)),
    entry(`${about}/WHEEL`, 'Wheel-Version: 1.0\nGenerator: cellburst\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    entry(`${about}/licenses/LICENSE`, license),
    entry(`${about}/licenses/THIRD-PARTY-LICENSES.txt`, thirdParty),
  ];
  const record = `${about}/RECORD`;
  const lines = files.map(({ name, bytes }) => `${name},sha256=${digest(bytes)},${bytes.length}`);
  const bytes = zip([...files, entry(record, [...lines, `${record},,`, ''].join('\n'))]);
  return { file: `${MODULE}-${version}-py3-none-any.whl`, bytes };
}

const INSTALL = {
  packageManager: 'python',
  packageName: WHEEL_NAME,
  uninstallInstructions: `pip uninstall ${WHEEL_NAME}`,
};

function metadata(version) {
  return [
    'Metadata-Version: 2.4',
    `Name: ${WHEEL_NAME}`,
    `Version: ${version}`,
    "Summary: Cellburst's jobs in JupyterLab's sidebar",
    'License-Expression: Apache-2.0',
    'License-File: LICENSE',
    'License-File: THIRD-PARTY-LICENSES.txt',
    'Requires-Python: >=3.9',
    'Keywords: jupyter,jupyterlab,jupyterlab-extension,typescript,hpc,slurm',
    'Classifier: Framework :: Jupyter :: JupyterLab :: 4',
    'Classifier: Framework :: Jupyter :: JupyterLab :: Extensions :: Prebuilt',
    'Description-Content-Type: text/markdown',
    '',
    "The sidebar of Cellburst's jobs, prebuilt. It talks to the Cellburst kernel, which is an npm package: `npm install --global cellburst`,",
    'then `cellburst install`, which brings this extension as well. This wheel is for servers whose extensions come by pip.',
    '',
  ].join('\n');
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => relative(folder, join(found.parentPath, found.name)).split(sep).join('/'))
    .sort();
}

function entry(name, text) {
  return { name, bytes: Buffer.from(text) };
}

/** As RECORD wants it: base64 for URLs, without padding. */
function digest(bytes) {
  return createHash('sha256').update(bytes).digest('base64url');
}
