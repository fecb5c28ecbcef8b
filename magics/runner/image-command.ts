// What a container runtime is told: the command that starts a program in an image so that it is on its node as any other, but for its file system's root. Pure.
// Sources: podman-run(1) of 4.3, "apptainer exec" of the Apptainer 1.3 user guide (Singularity's is the same).
import type { ContainerOrders, ContainerRuntime } from '../protocol/image';

/** Where the node's Node.js is seen in an image. */
export const NODE_INSIDE = '/run/cellburst/bin/node';

export interface InImage {
  readonly runtime: ContainerRuntime;
  /** The runtime's program. */
  readonly program: string;
  readonly orders: ContainerOrders;
  /** Of the container, for a runtime that knows containers by names. */
  readonly name: string;
  /** Of the container, as well: KEY=VALUE. */
  readonly label: string;
  readonly directory: string;
  /** Absolute paths of the node that are the same inside; those that may be written, and those that may not. */
  readonly shared: readonly string[];
  readonly readable: readonly string[];
  /** The node's Node.js; undefined: the image has one. */
  readonly nodeProgram: string | undefined;
  /** Of the process that starts it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Not the superuser: then files that are written have to be the user's. */
  readonly isPlainUser: boolean;
  /** Of podman: does its OCI runtime take containers without control groups? crun does, runc does not. */
  readonly takesNoGroups: boolean;
  /** What lets the image see the GPUs of its job. */
  readonly gpuOptions: readonly string[];
  /** The program in the image, and its arguments. */
  readonly command: readonly string[];
}

export function imageCommand(given: InImage): readonly string[] {
  return given.runtime === 'podman' ? podmanRun(given) : apptainerExec(given);
}

/**
 * The container stays in the control group that it is started in, so what a batch system measures and limits includes it; podman gives process numbers of its
 * own then, and all processes end with the first. runc makes groups in any case: a plain user's are none, or below that of the job, if no systemd is asked for
 * them (cgroupfs). SELinux would hide what is mounted.
 */
function podmanRun(given: InImage): string[] {
  const { program, orders, name, directory, environment, isPlainUser, takesNoGroups, command } = given;
  const [executable = '', ...rest] = command;
  return [
    program,
    ...(takesNoGroups ? [] : ['--cgroup-manager=cgroupfs']),
    'run',
    '--rm',
    '--interactive',
    '--pull=never',
    '--replace',
    `--name=${name}`,
    `--label=${given.label}`,
    ...(takesNoGroups ? ['--cgroups=disabled'] : []),
    '--network=host',
    '--uts=host',
    '--log-driver=none',
    '--security-opt=label=disable',
    ...(isPlainUser ? ['--userns=keep-id', '--group-add=keep-groups'] : []),
    ...mountsOf(given).map((mount) => `--volume=${mount}`),
    ...variablesFor(environment).map((variable) => `--env=${variable}`),
    `--workdir=${directory}`,
    `--entrypoint=${executable}`,
    ...given.gpuOptions,
    ...orders.options,
    orders.image,
    ...rest,
  ];
}

/** It shows the home directory, /tmp, /proc, /sys and /dev by itself, and hands the environment on. */
function apptainerExec(given: InImage): string[] {
  const { program, orders, directory, command } = given;
  return [
    program,
    '--silent',
    'exec',
    ...mountsOf(given).flatMap((mount) => ['--bind', mount]),
    '--pwd',
    directory,
    ...given.gpuOptions,
    ...orders.options,
    orders.image,
    ...command,
  ];
}

function mountsOf({ orders, shared, readable, nodeProgram }: InImage): string[] {
  const mounts = outermost(shared).map((path) => `${path}:${path}`);
  const fixed = outermost(readable)
    .filter((path) => !shared.some((outer) => isWithin(path, outer)))
    .map((path) => `${path}:${path}:ro`);
  const node = nodeProgram === undefined ? [] : [`${nodeProgram}:${NODE_INSIDE}:ro`];
  const asked = orders.mounts.map((mount) => (mount.includes(':') ? mount : `${mount}:${mount}`));
  return [...mounts, ...fixed, ...node, ...asked];
}

/** Each path once, and none below another; the root itself would hide the image. */
function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)].filter((path) => path !== '/').sort();
  return unique.filter((path) => !unique.some((outer) => outer !== path && isWithin(path, outer)));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** What means something on the node alone: where its programs and libraries lie, and what a shell keeps for itself. */
const OF_NODE =
  /^(PATH|LD_LIBRARY_PATH|LD_PRELOAD|MANPATH|PKG_CONFIG_PATH|PYTHONPATH|HOSTNAME|SHLVL|PWD|OLDPWD|_|NODE_PATH|NODE_OPTIONS|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|BASH_FUNC_.*|CONTAINERS_.*|npm_.*)$/;

function variablesFor(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment)
    .filter((name) => /^[A-Za-z_]\w*$/.test(name) && !OF_NODE.test(name))
    .sort();
}

/** What a runtime is started with itself that is none of the image's business: Apptainer hands all on, but for PATH and LD_LIBRARY_PATH, which it sets. */
const OF_RUNTIME =
  /^(PATH|LD_LIBRARY_PATH|HOSTNAME|SHLVL|PWD|OLDPWD|_|XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|CONTAINERS_.*|BASH_FUNC_.*)$/;

/** The environment of the runtime's program. */
export function runtimeEnvironment(runtime: ContainerRuntime, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (runtime === 'podman') return environment;
  const kept = Object.entries(environment).filter(([name]) => OF_RUNTIME.test(name) || !OF_NODE.test(name));
  return Object.fromEntries(kept);
}
