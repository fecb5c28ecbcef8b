// Numbers that come the same each time: `--seed`. Only Math.random is replaced; what is meant to be secret (node:crypto) stays so.
import { MAIN } from '../protocol/main-context';

/** From now on Math.random gives the sequence of this seed; `stream` tells sequences of one seed apart, as those of the items of a pmap. */
export function seedRandom(seed: number, stream = 0): void {
  let state = mix(mix(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0), stream >>> 0);
  const next = (): number => {
    // A counter through a mixing function with full avalanche: every 32-bit state gives another output.
    state = (state + 0x9e3779b9) >>> 0;
    return scramble(state);
  };
  const words = [next(), next(), next(), next()];
  const random = (): number => (draw(words) * 2 ** 21 + (draw(words) >>> 11)) / 2 ** 53;
  Object.defineProperty(MAIN.Math, 'random', { value: random, writable: true, configurable: true });
}

/** xoshiro128** (Blackman and Vigna, 2018): 32 bits, period 2^128 - 1. */
function draw(s: number[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = s;
  const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
  const third = c ^ a;
  const fourth = d ^ b;
  s[0] = a ^ fourth;
  s[1] = b ^ third;
  s[2] = third ^ (b << 9);
  s[3] = rotate(fourth, 11);
  return result;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mix(a: number, b: number): number {
  return scramble((a ^ Math.imul(b + 0x7f4a7c15, 0x9e3779b1)) >>> 0);
}

function scramble(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
