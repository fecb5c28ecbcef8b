// The one import of the compiler: bundlers wrap a module once per import of its namespace, and this one has thousands of members.
import ts from 'typescript';

export { ts };
