// Work that tells how it goes, as a stream of events: of each kind of news the latest, since a slow reader wants to know where it stands, not each step.
import { Bell } from '../jobs';
import type { StreamItem } from './answers';

/** Yields what `work` tells, then what it gives. Ends early, without an error, when the signal is aborted. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- Whoever calls says which news there are, and is held to it.
export async function* relay<News extends { readonly kind: string } = never>(
  signal: AbortSignal,
  work: (tell: (news: News) => void) => Promise<StreamItem | undefined>,
): AsyncGenerator<StreamItem> {
  const bell = new Bell();
  const news = new Map<string, News>();
  const outcome: { item?: StreamItem | undefined; error?: unknown; isThere: boolean } = { isThere: false };
  void work((one) => {
    news.set(one.kind, one);
    bell.ring();
  })
    .then(
      (item) => {
        outcome.item = item;
      },
      (error: unknown) => {
        outcome.error = error;
      },
    )
    .finally(() => {
      outcome.isThere = true;
      bell.ring();
    });
  while (!signal.aborted) {
    for (const [kind, one] of news) {
      news.delete(kind);
      yield { event: one };
    }
    if (news.size > 0) continue;
    if (outcome.isThere) break;
    await bell.wait(undefined, signal);
  }
  if (signal.aborted) return;
  if ('error' in outcome) throw outcome.error;
  if (outcome.item !== undefined) yield outcome.item;
}
