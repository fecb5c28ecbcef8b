// The user process's way up: frames of pipe.ts, written whole and synchronously, so that they keep the order in which things happened.
import { encodeOutput } from '../../magics/protocol/output';
import type { OutputRecord } from '../../magics/protocol/output';
import { BlockingPipe } from '../../magics/realm/output';
import type { OutputSink } from '../../magics/realm/output';
import { frameHeader, MESSAGE_FRAME, OUTPUT_FRAME, PIPES } from '../pipe';
import type { Notice, Turn } from '../pipe';
import type { Attribution } from './attribution';

export class FrameWriter {
  readonly #pipe = new BlockingPipe(PIPES.frames);

  notice(notice: Notice): void {
    const payload = Buffer.from(JSON.stringify(notice));
    this.#pipe.write([frameHeader(MESSAGE_FRAME, 0, payload.length), payload]);
  }

  output(turn: Turn, record: OutputRecord): void {
    const [header, payload] = encodeOutput(record, Date.now());
    this.#pipe.write([frameHeader(OUTPUT_FRAME, turn, header.length + payload.length), header, payload]);
  }
}

/** Output of whatever cell runs. What an interrupted cell still has to say is dropped. */
export function attributedSink(frames: FrameWriter, attribution: Attribution): OutputSink {
  return {
    write: (record) => {
      const turn = attribution.turn;
      if (!attribution.isAbandoned(turn)) frames.output(turn, record);
    },
  };
}
