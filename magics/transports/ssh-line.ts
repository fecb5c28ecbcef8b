// The TCP connection below SSH. What is written in one turn of the loop goes out together: ssh2 writes each packet by itself, some in three pieces, and each
// write is a call to the system. Nothing is held back for longer, so a short message loses no time.
import { Socket } from 'node:net';

type Written = (error?: Error | null) => void;

export class SshLine extends Socket {
  #isHeld = false;

  override write(bytes: Uint8Array | string, encoding?: BufferEncoding | Written, written?: Written): boolean {
    if (!this.#isHeld) {
      this.#isHeld = true;
      this.cork();
      process.nextTick(() => {
        this.#isHeld = false;
        this.uncork();
      });
    }
    return typeof encoding === 'string' ? super.write(bytes, encoding, written) : super.write(bytes, encoding);
  }
}

/** Connects; how that ends it tells by its events. */
export function openLine(host: string, port: number): SshLine {
  const line = new SshLine();
  // What waits to be acknowledged must not hold back what comes next: that would cost up to 40 ms.
  line.setNoDelay(true);
  // Every channel listens.
  line.setMaxListeners(0);
  line.connect({ host, port });
  return line;
}
