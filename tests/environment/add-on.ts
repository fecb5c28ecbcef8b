// A package with a binary that has to be compiled.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** By V8's own interface, which every line of Node changes. */
export function writeAddOn(folder: string, name: string, result: string): void {
  const place = join(folder, 'node_modules', name);
  mkdirSync(place, { recursive: true });
  const files = {
    'package.json': JSON.stringify({ name, version: '1.0.0', main: 'index.js', gypfile: true }),
    'binding.gyp': JSON.stringify({ targets: [{ target_name: name, sources: ['main.cc'] }] }),
    'index.js': `exports.answer = () => require('./build/Release/${name}.node').answer();\n`,
    'main.cc': [
      '#include <node.h>',
      'void Answer(const v8::FunctionCallbackInfo<v8::Value>& info) {',
      `  info.GetReturnValue().Set(${result});`,
      '}',
      'void Init(v8::Local<v8::Object> exports) { NODE_SET_METHOD(exports, "answer", Answer); }',
      'NODE_MODULE(NODE_GYP_MODULE_NAME, Init)',
      '',
    ].join('\n'),
  };
  for (const [path, content] of Object.entries(files)) writeFileSync(join(place, path), content);
}
