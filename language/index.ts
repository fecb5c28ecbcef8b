// What the kernel uses of the language.
export * from './client';
