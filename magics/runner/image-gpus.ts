// What lets an image see the GPUs of its job. Which of the node's they are, the batch system says: by CUDA_VISIBLE_DEVICES and the like, and by the job's control group.
// Sources: "GPU Support" of the Apptainer 1.3 user guide; the Container Device Interface 0.6 (`nvidia-ctk cdi generate`), which podman knows from 4.1 on.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRuntime } from '../protocol/image';

/** What a node has of GPUs. */
export interface GpuPlaces {
  /** Device files of NVIDIA's driver (/dev/nvidia0) or of AMD's (/dev/kfd, /dev/dri). */
  readonly devices: readonly string[];
  /** Has somebody described its NVIDIA GPUs for containers? */
  readonly isDescribed: boolean;
}

const NVIDIA = /^nvidia(\d+|ctl|-uvm|-uvm-tools|-modeset)$/;
const AMD = /^(kfd|dri)$/;
const DESCRIPTIONS = ['etc/cdi', 'var/run/cdi'];

/** `root`: of the file system that has them. */
export function findGpus(root = '/'): GpuPlaces {
  const there = namesIn(join(root, 'dev')).sort();
  const isNvidia = there.includes('nvidiactl');
  // A graphics card alone makes /dev/dri as well.
  const names = isNvidia
    ? there.filter((name) => NVIDIA.test(name))
    : there.includes('kfd')
      ? there.filter((name) => AMD.test(name))
      : [];
  return {
    devices: names.map((name) => `/dev/${name}`),
    isDescribed: DESCRIPTIONS.some((folder) =>
      namesIn(join(root, folder)).some((name) => /nvidia.*\.(ya?ml|json)$/.test(name)),
    ),
  };
}

/** Apptainer finds a driver's libraries itself. podman knows those that were described; else it shows the device files, for images that bring the libraries. */
export function gpuOptions(runtime: ContainerRuntime, { devices, isDescribed }: GpuPlaces): readonly string[] {
  if (devices.length === 0) return [];
  const isNvidia = !devices.includes('/dev/kfd');
  if (runtime !== 'podman') return [isNvidia ? '--nv' : '--rocm'];
  return isNvidia && isDescribed ? ['--device=nvidia.com/gpu=all'] : devices.map((path) => `--device=${path}`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there, or not for us: nothing that an image could be shown.
    return [];
  }
}
