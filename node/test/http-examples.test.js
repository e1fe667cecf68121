// SPDX-License-Identifier: MIT
// What the examples about HTTP say of themselves is true.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const nodePath = require('node:path');
const { test } = require('node:test');
const { printed, socketPath, start } = require('./support');

const example = name => nodePath.join(__dirname, '..', 'examples', name);

async function curl(path, uri, ...args) {
  const child = start('curl', '-sS', '--unix-socket', path, `http://localhost${uri}`, ...args);
  await child.ended;
  return child.output;
}

async function running(name, use) {
  const path = socketPath();
  const child = start(process.execPath, example(name), path);
  await printed(child, `serving on ${path}\n`);
  await use(path);
  child.kill('SIGTERM');
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(fs.existsSync(path), false);
}

test('serve.js', () => running('serve.js', async path => {
  assert.strictEqual(await curl(path, '/'), 'hello, world\n');
  assert.strictEqual(JSON.parse(await curl(path, '/whoami')).uid, process.getuid());
  assert.strictEqual(await curl(path, '/upper', '-d', 'some text'), 'SOME TEXT');
  const large = 'x'.repeat(3_000_000);
  fs.writeFileSync(`${path}.txt`, large);
  assert.ok(await curl(path, '/echo', '-T', `${path}.txt`) === large);
  assert.strictEqual(await curl(path, '/ticks'), 'tick 0\ntick 1\ntick 2\n');
  assert.strictEqual(await curl(path, '/else'), 'nothing at /else\n');
}));

test('express.js', () => running('express.js', async path => {
  const { uid, exe } = JSON.parse(await curl(path, '/whoami'));
  assert.strictEqual(uid, process.getuid());
  assert.match(exe, /\/curl$/);
}));

test('fetch.js', async () => {
  const path = socketPath();
  const child = start(process.execPath, example('fetch.js'), path);
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(child.output, `200 http+unix://${encodeURIComponent(path)}/inbox?from=me\n{ got: 'a message' }\nmissing\n`);
});
