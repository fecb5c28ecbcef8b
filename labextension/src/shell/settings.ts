// The settings (schema/plugin.json), as values with a default wherever JupyterLab has none.
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Store, type Readable } from '../model/store';

export interface Settings {
  readonly autoStart: 'always' | 'onDemand' | 'never';
  readonly finishedShown: number;
  readonly notifySuccess: boolean;
  readonly notifyFailure: boolean;
  readonly notifyMinSeconds: number;
  readonly notifyDesktop: boolean;
  readonly confirmCancel: 'always' | 'long' | 'never';
  readonly logLines: number;
  readonly badges: boolean;
  readonly statusBar: boolean;
}

export const DEFAULTS: Settings = {
  autoStart: 'onDemand',
  finishedShown: 20,
  notifySuccess: true,
  notifyFailure: true,
  notifyMinSeconds: 30,
  notifyDesktop: false,
  confirmCancel: 'long',
  logLines: 1000,
  badges: true,
  statusBar: true,
};

/** Follows the registry; without one, and until it has answered, the defaults. */
export function readSettings(registry: ISettingRegistry | null, plugin: string): Readable<Settings> {
  const settings = new Store(DEFAULTS);
  registry?.load(plugin).then(
    (loaded) => {
      const update = (): void => {
        settings.set(toSettings(loaded.composite));
      };
      loaded.changed.connect(update);
      update();
    },
    (error: unknown) => {
      console.warn('Cellburst: its settings cannot be read, the defaults are used.', error);
    },
  );
  return settings;
}

/** JupyterLab has checked what the person typed against the schema; what is missing or of another kind falls back. */
export function toSettings(composite: Readonly<Record<string, unknown>>): Settings {
  const settings: Record<string, unknown> = { ...DEFAULTS };
  for (const [key, fallback] of Object.entries(DEFAULTS))
    if (typeof composite[key] === typeof fallback) settings[key] = composite[key];
  return settings as unknown as Settings;
}
