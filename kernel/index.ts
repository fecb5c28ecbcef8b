// What others use of the kernel: to install it.
export { installKernel, uninstallKernel } from './install';
export type { InstallOptions, InstallPlace, InstallReport } from './install';
