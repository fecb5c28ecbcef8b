// `cluster` of the module 'cellburst', as far as it is there from the start: at home its functions load what they need when they are called, in a job
// they say that there is no way from there to other clusters.
const VERBS = ['list', 'read', 'readText', 'write', 'get', 'put', 'remove', 'usage', 'space'] as const;
type Verb = (typeof VERBS)[number];

interface ClusterModule {
  readonly fs: Readonly<Record<string, unknown>>;
  readonly wait: unknown;
}

type Later = (...given: never[]) => Promise<unknown>;

/** `load` gives the functions themselves; once for all calls. */
export function clusterHere(
  load: () => { readonly fs: Readonly<Record<Verb, Later>>; readonly wait: Later },
): ClusterModule {
  let loaded: ReturnType<typeof load> | undefined;
  const later = (of: (api: ReturnType<typeof load>) => Later) => {
    return async (...given: unknown[]): Promise<unknown> =>
      await (Reflect.apply(of((loaded ??= load())), undefined, given) as Promise<unknown>);
  };
  return { fs: ofVerbs((verb) => later(({ fs }) => fs[verb])), wait: later(({ wait }) => wait) };
}

/** Errors are made by the caller's classes. */
export function clusterElsewhere(newError: (message: string) => Error): ClusterModule {
  return {
    fs: ofVerbs((verb) => (): never => {
      throw newError(`cluster.fs.${verb} is for cells at home. In a job, node:fs sees the files of the host.`);
    }),
    wait: (): never => {
      throw newError('cluster.wait is for cells at home: a job does not see other jobs.');
    },
  };
}

function ofVerbs(make: (verb: Verb) => unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(VERBS.map((verb) => [verb, make(verb)]));
}
