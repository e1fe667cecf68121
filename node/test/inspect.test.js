// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const nodePath = require('node:path');
const { test } = require('node:test');
const sunpath = require('..');
const { directory, socketPath, start, until } = require('./support');

const command = process.env.SUNPATH_BUILD && nodePath.join(process.env.SUNPATH_BUILD, 'bin', 'sunpath');

async function run(...args) {
  const child = start(command, ...args);
  await child.ended;
  return child.output;
}

test('list() has what the command lists', async () => {
  const paths = [socketPath(), socketPath()];
  const server = await sunpath.listen(paths[0], { mode: 0o640 }, connection => connection.resume());
  const dead = start('python3', '-c', 'import socket, sys, os; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os._exit(0)', paths[1]);
  await dead.ended;
  const client = await sunpath.connect(paths[0]);
  await until(async () => (await sunpath.list()).find(one => one.socket === paths[0])?.connections === 1);
  const found = await sunpath.list({ directories: [directory] });
  assert.strictEqual(typeof found.hidden.processes, 'number');
  assert.strictEqual(typeof found.hidden.namespaces, 'number');
  const live = found.find(one => one.socket === paths[0]);
  assert.deepStrictEqual([live.state, live.type, live.mode, live.uid, live.connections, live.waiting],
    ['listening', 'stream', '0640', process.getuid(), 1, 0]);
  assert.strictEqual(live.owners[0].pid, process.pid);
  const stale = found.find(one => one.socket === paths[1]);
  assert.deepStrictEqual([stale.state, stale.type, stale.owners], ['stale', null, []]);
  if (command && fs.existsSync(command)) {
    const lines = (await run('ls', '--json', directory)).trim().split('\n').map(line => JSON.parse(line));
    const ours = found.filter(one => one.socket.startsWith(directory));
    assert.deepStrictEqual(ours, lines);
  }
  client.destroy();
  await server.close();
});

test('doctor() says what the command says', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const good = await sunpath.doctor(path);
  assert.strictEqual(good.reason, 'ok');
  assert.strictEqual(good.errno, null);
  const bad = await sunpath.doctor('/nonexistent/x.sock');
  assert.strictEqual(bad.reason, 'missing');
  assert.strictEqual(bad.errno, 'ENOENT');
  assert.ok(bad.findings.some(one => one.grade === 'bad'));
  assert.notStrictEqual(bad.fix, '');
  assert.strictEqual((await sunpath.doctor(path, { type: 'seqpacket' })).reason, 'wrong-type');
  if (command && fs.existsSync(command)) {
    for (const address of [path, '/nonexistent/x.sock', '@nobody-is-here']) {
      assert.deepStrictEqual(await sunpath.doctor(address), JSON.parse(await run('doctor', '--json', address)));
    }
  }
  await server.close();
});

test('several at once, and bad arguments', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? sunpath.list() : sunpath.doctor('/x'))));
  assert.strictEqual(all.length, 20);
  for (const options of [null, 1, 'x', [], { directories: 'x' }, { directories: [1] }, { all: 1 }]) {
    await assert.rejects(sunpath.list(options), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const address of [undefined, null, 1, {}, [], true]) {
    await assert.rejects(sunpath.doctor(address), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const options of [null, 1, 'x', [], { user: {} }, { type: 'x' }]) {
    await assert.rejects(sunpath.doctor('/x', options), { name: 'TypeError' });
  }
  await assert.rejects(sunpath.doctor('nonsense'), { code: 'EINVAL' });
  await assert.rejects(sunpath.doctor('/x', { user: 'nobody-of-that-name' }), { code: 'ENOENT' });
});
