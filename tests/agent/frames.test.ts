// Frames and messages: what goes in comes out, and what is cut, huge or hostile is refused.
import { FrameReader, MAX_MESSAGE_BYTES, encodeFrame, type Frame } from '../../magics/protocol/frames';
import { agentMessage, clientMessage } from '../../magics/protocol/messages';
import { record, text } from '../../magics/protocol/shape';

const frames: Frame[] = [
  { message: { type: 'stop', id: 7 } },
  { message: { a: undefined, when: new Date(5), map: new Map([['k', 1n]]) }, bytes: Buffer.from('raw bytes') },
  { message: 'grüße 😀', bytes: Buffer.alloc(20_000, 7) },
];
const stream = Buffer.concat(frames.flatMap((frame) => encodeFrame(frame)));

function readAll(reader: FrameReader, bytes: Buffer, step: number): Frame[] {
  const read: Frame[] = [];
  for (let at = 0; at < bytes.length; at += step) read.push(...reader.push(bytes.subarray(at, at + step)));
  return read;
}

test.each([1, 7, 4096, 1e9])('frames arrive whole in pieces of %d bytes', (step) => {
  const reader = new FrameReader();
  expect(readAll(reader, stream, step)).toEqual(frames);
  reader.end();
});

test.each([1, 5, 1e9])('what a login shell prints before the marker is skipped, in pieces of %d bytes', (step) => {
  const noise = Buffer.from('Welcome!\n*** mark mar mark-1 ***\n');
  const reader = new FrameReader({ marker: 'mark-17f3' });
  const bytes = Buffer.concat([noise, Buffer.from('mark-17f3'), stream]);
  expect(readAll(reader, bytes, step)).toEqual(frames);
});

test('a stream without the marker is refused, at its end or after a megabyte', () => {
  const reader = new FrameReader({ marker: 'mark-17f3' });
  expect(() => {
    reader.end();
  }).toThrow('before the other side said that it had started');
  expect(() => [...reader.push(Buffer.alloc(2e6, 65))]).toThrow('without saying that it had started');
});

test('half a frame at the end is an error', () => {
  const reader = new FrameReader();
  expect(readAll(reader, stream.subarray(0, stream.length - 1), 1e9)).toHaveLength(2);
  expect(() => {
    reader.end();
  }).toThrow('in the middle of a frame');
});

test('lengths are checked before anything is allocated', () => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(MAX_MESSAGE_BYTES + 1, 0);
  expect(() => [...new FrameReader().push(header)]).toThrow('are allowed');
});

test('a message that does not decode is refused', () => {
  const bytes = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{{{')]);
  expect(() => [...new FrameReader().push(bytes)]).toThrow('does not decode');
});

test('shapes name the place of what is wrong, and drop what they do not know', () => {
  expect(() => clientMessage({ type: 'stop', id: -1 }, 'message')).toThrow(
    'Cannot read message.id: a whole number of 0 or more was expected, -1 is there.',
  );
  expect(() => clientMessage({ type: 'constructor' }, 'message')).toThrow('message.type');
  expect(() => agentMessage(null, 'message')).toThrow('message.type');
  expect(record({ a: text })({ a: 'x', b: 1, __proto__: { c: 2 } }, 'it')).toEqual({ a: 'x' });
});
