// What the supervisor and its user process say to each other, and how it lies on the pipes between them.
// Requests go down as lines of JSON. Up come frames, written whole and synchronously, so that a busy loop's output is live:
// u32 length of the payload, u8 kind, 3 zero bytes, u32 turn; little-endian; then the payload.
import type { CaptureRequest, SettleRequest, ShownError } from '../magics/protocol/capture';
import type { Chore } from '../magics/protocol/chores';
import type { CellCode } from '../magics/protocol/code';
import { ProtocolError } from '../magics/protocol/errors';
import type { MimeBundle } from '../magics/protocol/output';
import type { Shown } from '../magics/realm/display';

/** File descriptors of the user process. 0 is empty; 1 and 2 are pipes that catch what native code prints. */
export const PIPES = { requests: 3, frames: 4, interrupts: 5 } as const;

/** What magics/namespace.ts asks of the notebook. Answers: CaptureReport, SettleReport, nothing, what Chores says. */
export type Call =
  | { readonly method: 'capture'; readonly request: CaptureRequest }
  | { readonly method: 'settle'; readonly request: SettleRequest }
  | { readonly method: 'forget'; readonly captureId: string }
  | { readonly method: 'chore'; readonly chore: Chore };

/** Counts the cells a user process was given, silent ones too: output is attributed by it. From 1; 0 is no cell. */
export type Turn = number;

/** Down the request pipe. */
export type Request =
  | { readonly type: 'run'; readonly turn: Turn; readonly code: CellCode; readonly allowStdin: boolean }
  | { readonly type: 'call'; readonly id: number; readonly turn: Turn; readonly call: Call }
  | { readonly type: 'comm'; readonly event: CommEvent }
  | Answer;

/** To a question of this turn: by the request pipe, or by the interrupt pipe when the main thread waits for it (`prompt`). */
export type Answer =
  | { readonly type: 'input'; readonly turn: Turn; readonly value: string }
  | { readonly type: 'input-refused'; readonly turn: Turn; readonly reason: string };

/** A message of a comm whose one end is user code, in either direction. Buffers in base64. */
export type CommEvent = CommBody &
  (
    | { readonly kind: 'open'; readonly id: string; readonly target: string }
    | { readonly kind: 'message' | 'close'; readonly id: string }
  );

export interface CommBody {
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly buffers: readonly string[];
}

/** How a cell ended. `progress`: how many of its top-level declarations are initialised. */
export type RunReport = { readonly took: TimeTaken } & (
  | { readonly ok: true; readonly progress: number; readonly display?: Shown }
  | { readonly ok: false; readonly progress: number; readonly error: ShownError }
);

/** By the clock, and by the processor (all threads of the process). */
export interface TimeTaken {
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

export type CallReport =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly name: string; readonly message: string; readonly fields: MimeBundle };
    };

/** Up the frame pipe, as frames of kind MESSAGE. */
export type Notice =
  | { readonly type: 'ready'; readonly heapLimitMiB: number }
  | { readonly type: 'ran'; readonly turn: Turn; readonly report: RunReport }
  | { readonly type: 'called'; readonly id: number; readonly report: CallReport }
  | { readonly type: 'input'; readonly question: InputQuestion }
  | { readonly type: 'comm'; readonly turn: Turn; readonly event: CommEvent }
  /** User code takes comms of this target from now on. */
  | { readonly type: 'comm-target'; readonly target: string }
  /** The last frame of a process that ends by its own will. */
  | { readonly type: 'exit'; readonly code: number };

export interface InputQuestion {
  readonly turn: Turn;
  readonly prompt: string;
  readonly password: boolean;
  /** The main thread stands still until the answer comes. */
  readonly isBlocking: boolean;
}

/** Down the interrupt pipe, as lines of JSON: to the thread beside the main one. */
export type Control = { readonly type: 'interrupt'; readonly turn: Turn } | Answer;

export const OUTPUT_FRAME = 1;
export const MESSAGE_FRAME = 2;
export const FRAME_HEADER_BYTES = 12;
const MAX_FRAME_BYTES = 512 * 1024 * 1024;

export interface Frame {
  readonly kind: number;
  readonly turn: Turn;
  readonly payload: Buffer;
}

export function frameHeader(kind: number, turn: Turn, byteLength: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32LE(byteLength, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt32LE(turn, 8);
  return header;
}

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes needed before the next frame can be looked at: spares joining the chunks of a large one again and again. */
  #needed = FRAME_HEADER_BYTES;

  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    this.#needed = FRAME_HEADER_BYTES;
    while (bytes.length >= FRAME_HEADER_BYTES) {
      const length = bytes.readUInt32LE(0);
      if (length > MAX_FRAME_BYTES)
        throw new ProtocolError(
          `The user process announced a frame of ${length} bytes; at most ${MAX_FRAME_BYTES} pass.`,
        );
      const end = FRAME_HEADER_BYTES + length;
      if (bytes.length < end) {
        this.#needed = end;
        break;
      }
      yield { kind: bytes.readUInt8(4), turn: bytes.readUInt32LE(8), payload: bytes.subarray(FRAME_HEADER_BYTES, end) };
      bytes = bytes.subarray(end);
    }
    this.#chunks = bytes.length > 0 ? [bytes] : [];
    this.#length = bytes.length;
  }
}

/** Takes bytes as they come and gives whole lines, without their ends. */
export class LineReader {
  #chunks: Buffer[] = [];

  *push(chunk: Buffer): Generator<string> {
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#chunks.push(rest.subarray(0, end));
      const line = Buffer.concat(this.#chunks).toString('utf8');
      this.#chunks = [];
      rest = rest.subarray(end + 1);
      yield line;
    }
    if (rest.length > 0) this.#chunks.push(rest);
  }
}
