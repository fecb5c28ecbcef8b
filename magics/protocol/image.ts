// The image of a job that does not run on its node as it is: which, by which program, and what of the node is seen in it.
import { count, listOf, literal, oneOf, record, tagged, text, type Shape, type Shaped } from './shape';

export const CONTAINER_RUNTIMES = ['podman', 'apptainer', 'singularity'] as const;
export type ContainerRuntime = (typeof CONTAINER_RUNTIMES)[number];

const request = {
  /** As the runtime takes it: a name, or a path (`~/x.sif`) on the node. */
  image: text,
  /** Absolute paths of the node, `PATH` or `PATH:PATH-INSIDE`, beside what every job sees. */
  mounts: listOf(text),
  /** More arguments of the runtime, as they are. */
  options: listOf(text),
};
const maybe = {
  /** Absent: the one that is there and that takes such an image. */
  runtime: oneOf(CONTAINER_RUNTIMES),
  /** Absolute path of the image's own Node.js. Absent: that of the node is seen in it. */
  node: text,
};

const requestShape = record(request, maybe);
export type ContainerRequest = Shaped<typeof requestShape>;
export const containerRequest: Shape<ContainerRequest> = requestShape;

/** What is seen of an image where jobs are sent to: jobs fetch none. `unknown`: nobody can tell there, and why. */
const seenShape = tagged('state', {
  there: record({ state: literal('there'), host: text }, { bytes: count }),
  absent: record({ state: literal('absent'), host: text }),
  unknown: record({ state: literal('unknown'), host: text, reason: text }),
});
export type ImageSeen = Shaped<typeof seenShape>;
export const imageSeen: Shape<ImageSeen> = seenShape;

/** `folder`: the notebook's, where the node has it. `gpus`: how many the job was granted, if any. */
const ordersShape = record({ ...request, folder: text }, { ...maybe, gpus: count });
export type ContainerOrders = Shaped<typeof ordersShape>;
export const containerOrders: Shape<ContainerOrders> = ordersShape;
