// `cluster` of the module 'cellburst', as far as it is there from the start: at home its functions load what they need when they are called, in a job
// they say that there is no way from there to other clusters.
const VERBS = ['list', 'read', 'readText', 'write', 'get', 'put', 'remove', 'usage', 'space'] as const;
type Verb = (typeof VERBS)[number];

interface ClusterModule {
  readonly fs: Readonly<Record<string, unknown>>;
}

/** `load` gives the functions themselves; once for all calls. */
export function clusterHere(
  load: () => { readonly fs: Readonly<Record<Verb, (...given: never[]) => Promise<unknown>>> },
): ClusterModule {
  let loaded: ReturnType<typeof load> | undefined;
  return ofVerbs((verb) => async (...given: unknown[]): Promise<unknown> => {
    const { fs } = (loaded ??= load());
    return await (Reflect.apply(fs[verb], undefined, given) as Promise<unknown>);
  });
}

/** Errors are made by the caller's classes. */
export function clusterElsewhere(newError: (message: string) => Error): ClusterModule {
  return ofVerbs((verb) => (): never => {
    throw newError(`cluster.fs.${verb} is for cells at home. In a job, node:fs sees the files of the host.`);
  });
}

function ofVerbs(make: (verb: Verb) => unknown): ClusterModule {
  return { fs: Object.fromEntries(VERBS.map((verb) => [verb, make(verb)])) };
}
