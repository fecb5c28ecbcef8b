// Is the image of a job there? Asked for whoever wants to know before there is a job: jobs fetch no images. Compute nodes may see others than this machine.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { messageOf, systemCode } from '../protocol/errors';
import type { ContainerRequest, ImageSeen } from '../protocol/image';
import { hostName } from '../protocol/platform';

const QUESTION_MS = 20_000;

export async function seeImage({ image, runtime }: ContainerRequest, signal: AbortSignal): Promise<ImageSeen> {
  const host = hostName();
  const path = image.replace(/^~(?=\/)/, homedir());
  if (path.startsWith('/')) return seeFile(path, host);
  if (image.includes('://') || (runtime !== undefined && runtime !== 'podman'))
    return { state: 'unknown', host, reason: `${runtime ?? 'apptainer'} looks for it when the job starts` };
  return seeByPodman(image, host, signal);
}

function seeFile(path: string, host: string): ImageSeen {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { state: 'absent', host };
  // An image may be a folder too; what is in that is not counted.
  return { state: 'there', host, ...(found.isFile() ? { bytes: found.size } : {}) };
}

/** podman-image-inspect(1) of 4.3. */
async function seeByPodman(image: string, host: string, signal: AbortSignal): Promise<ImageSeen> {
  const args = ['image', 'inspect', '--format', '{{.Size}}', '--', image];
  try {
    const { stdout } = await promisify(execFile)('podman', args, { timeout: QUESTION_MS, signal });
    const bytes = Number(stdout);
    return { state: 'there', host, ...(Number.isSafeInteger(bytes) ? { bytes } : {}) };
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) === 'ENOENT') return { state: 'unknown', host, reason: `there is no podman on ${host}` };
    const said = messageOf(error);
    if (/no such image|image not known/i.test(said)) return { state: 'absent', host };
    return { state: 'unknown', host, reason: `podman on ${host} cannot tell: ${said.split('\n').at(-1) ?? said}` };
  }
}
