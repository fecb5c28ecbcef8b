// What comes back of a job: one container (container.ts) whose head is this, whose graph holds the values. The envelope decides, the scheduler explains.
import { count, flag, listOf, literal, mapOf, number, oneOf, parseJson, record, text, anything } from './shape';
import type { Shape, Shaped } from './shape';

/** Raised with every change of the head; the graph has a version of its own (graph-format.ts). */
export const ENVELOPE_PROTOCOL = 2;

const envelopeHeadShape = record(
  {
    protocol: literal(ENVELOPE_PROTOCOL),
    outcome: oneOf(['value', 'error']),
    /** The cell ended in an expression. */
    hasValue: flag,
    /** Names of the graph's roots after the first (the value, or what was thrown): declared or assigned by the cell. */
    names: listOf(text),
    /** How many of the cell's top-level declarations were initialised (all, unless it threw). */
    progress: count,
    /** How many objects the bundle had: the reply counts on from there. */
    received: count,
    /** Modules that values are exports of: loaded at home before the values are made. */
    modules: listOf(text),
    /** Declared values that could not travel back, each with the reason: they read as an error at home. */
    stayed: listOf(record({ name: text, message: text })),
    runtime: record({ node: text, platform: text, hostname: text, pid: count, directory: text }),
    /** ms since the epoch, by the worker's clock. */
    startedAt: number,
    endedAt: number,
  },
  {
    /** The picture of the value (data and metadata by media type, JSON), made where its own methods may run: at home it is data. */
    display: text,
    /** What was thrown, in cell lines. */
    error: record({ name: text, message: text, traceback: listOf(text) }),
  },
);
export type EnvelopeHead = Shaped<typeof envelopeHeadShape>;
/** Refuses what is no head of an envelope of ours. */
export const envelopeHead: Shape<EnvelopeHead> = envelopeHeadShape;

const shown = record({ data: mapOf(anything), metadata: mapOf(anything) });

/** Reads `display`. Throws ProtocolError. */
export function parseShown(display: string): Shaped<typeof shown> {
  return parseJson(display, shown, 'the picture of the value');
}
