// What others use of the kernel: to install it, and what belongs to it.
export { installKernel, uninstallKernel } from './install';
export { installExtension, uninstallExtension, type ExtensionOptions } from './install-extension';
export type { InstallOptions, InstallPlace, InstallReport } from './install';
