// Why nothing came to be of a job in an image: in the runtime's words and, for what people meet most, in ours.
import type { ContainerOrders, ContainerRuntime } from '../protocol/image';
import { hostName } from '../protocol/platform';
import { NODE_INSIDE } from './image-command';
import { ask } from './podman';

/** The oldest that the runner works on. */
const OLDEST_NODE = 18;

export interface Trouble {
  readonly runtime: ContainerRuntime;
  /** The runtime's program. */
  readonly program: string;
  readonly container: ContainerOrders;
  /** Runs something else in the image, in the same way; gives what it printed. */
  readonly tryNode: () => Promise<string>;
  readonly how: number | NodeJS.Signals;
  readonly said: string;
}

export async function explain({ program, runtime, container, tryNode, how, said }: Trouble): Promise<string> {
  const { image, node } = container;
  const words =
    said.trim() === ''
      ? `${runtime} ended ${typeof how === 'number' ? `with exit code ${how}` : `by ${how}`}`
      : tail(said);
  const cannot = `Cannot run the cell in the image ${image} on ${hostName()}`;
  if (runtime === 'podman' && (await ask(program, ['image', 'exists', image])).code === 1)
    return `${cannot}: podman has no such image there. Images are not fetched by jobs: run \`podman pull\` or \`podman load\` on the cluster first. podman said: ${words}`;
  if (isForeign(said))
    return `${cannot}: it is made for another kind of processor than ${process.arch}. Build or fetch it for this one (podman pull --arch, apptainer pull --arch). ${runtime} said: ${words}`;
  if (isLibraryTrouble(said, node ?? NODE_INSIDE))
    return node === undefined
      ? `${cannot}: the node's Node.js does not run in it. It needs glibc 2.28 or newer and libstdc++ in the image (an image of Alpine has musl instead). Take another image, or one with a Node.js of its own, named by \`node:\` of its entry. ${runtime} said: ${words}`
      : `${cannot}: there is no ${node} in it that runs. ${runtime} said: ${words}`;
  const version = node === undefined ? undefined : /^v(\d+)\.\S+/.exec(await tryNode());
  if (version !== undefined && version !== null && Number(version[1]) < OLDEST_NODE)
    return `${cannot}: its ${node ?? ''} is Node.js ${version[0]}, and ${OLDEST_NODE} or later is needed. Take an image with a later one, or leave \`node:\` away: then the node's own Node.js is used, which needs glibc in the image.`;
  return `${cannot}. ${runtime} said: ${words}`;
}

/** The kernel's word, and Apptainer's, which looks first. */
function isForeign(said: string): boolean {
  return /exec format error|architecture \(\w+\) could not run on the host/i.test(said);
}

/** The loader or a library is missing, or too old: crun, runc and Apptainer tell it as the program's absence. */
function isLibraryTrouble(said: string, node: string): boolean {
  return (
    /GLIBC(XX)?_[\d.]+' not found|error while loading shared libraries|Error relocating|Error loading shared library|shared library is likely missing/.test(
      said,
    ) ||
    (said.includes(node) && /no such file|not found/i.test(said))
  );
}

export function tail(said: string): string {
  return said.trim().split('\n').slice(-5).join('\n').slice(-1500);
}
