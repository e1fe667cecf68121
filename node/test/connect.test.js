// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const { test } = require('node:test');
const binding = require('../lib/binding');
const sunpath = require('..');
const { collect, directory, nDescriptors, printed, python, socketPath, start, until } = require('./support');

// Settles when connect() has tried, in vain, `n` times more.
function attempts(n) {
  const { connectNow } = binding;
  return new Promise(resolve => {
    binding.connectNow = (...args) => {
      const result = connectNow(...args);
      if (typeof result === 'number' && --n === 0) {
        binding.connectNow = connectNow;
        resolve();
      }
      return result;
    };
  });
}

test('failures say why', async () => {
  const file = `${directory}/file`;
  fs.writeFileSync(file, '');
  await assert.rejects(sunpath.connect(`${directory}/none`), { code: 'ENOENT', hint: 'missing', syscall: 'connect' });
  await assert.rejects(sunpath.connect(file), { code: 'ECONNREFUSED', hint: 'not-a-socket', path: file });
  const path = socketPath();
  const server = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen()
print("up", flush=True); sys.stdin.read()`, path);
  await printed(server, 'up');
  await assert.rejects(sunpath.connect(path), { code: 'EPROTOTYPE', hint: 'wrong-type' });
  server.stdin.end();
  await server.ended;
  await assert.rejects(sunpath.connect('tcp:127.0.0.1:1'), { code: 'ECONNREFUSED', address: 'tcp:127.0.0.1:1' });
});

test('wait: a server that comes later is waited for', async () => {
  const path = socketPath();
  const tried = attempts(3);
  const connected = sunpath.connect(path, { wait: true });
  await tried;
  const server = await sunpath.listen(path, conn => conn.end('here'));
  assert.strictEqual(String(await collect(await connected)), 'here');
  await server.close();
});

test('timeout: it is not waited for longer than that', async () => {
  const begin = performance.now();
  await assert.rejects(sunpath.connect(socketPath(), { wait: true, timeout: 60 }), { code: 'ETIMEDOUT' });
  assert(performance.now() - begin > 55);
});

test('without a descriptor left an attempt that waits fails, and nothing else does', async () => {
  const child = start('bash', '-c', `ulimit -n 60; exec "$0" -e "$1" "$2"`, process.execPath, `
    const fs = require('node:fs');
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    sunpath.connect(process.argv[1], { wait: true, timeout: 5000 }).catch(error => console.log(error.code));
    try {
      for (;;) fs.openSync('/dev/null');
    } catch {}`, `${directory}/never`);
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(child.output, 'EMFILE\n');
});

test('a connection that becomes no socket is closed, and its file removed', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const me = socketPath();
  const arrived = once(server, 'connection');
  await assert.rejects(sunpath.connect(path, { bind: me, encoding: 'no such' }), { code: 'ERR_UNKNOWN_ENCODING' });
  const [conn] = await arrived;
  await once(conn.resume(), 'close');
  assert(!fs.existsSync(me));
  await server.close();
});

test('bind: the file of this end goes with the socket', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const me = socketPath();
  const client = await sunpath.connect(path, { bind: me });
  assert(fs.existsSync(me));
  client.destroy();
  await once(client, 'close');
  assert(!fs.existsSync(me));
  server.closeAllConnections();
  await server.close();
});

test('a full backlog is waited out', async () => {
  const path = socketPath();
  const server = python(`
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
first = socket.socket(socket.AF_UNIX); first.connect(sys.argv[1])
print("full", flush=True); sys.stdin.readline()
kept = [s.accept(), s.accept()]
print("accepted", flush=True); sys.stdin.read()`, path);
  await printed(server, 'full');
  await assert.rejects(sunpath.connect(path, { timeout: 50 }), { code: 'ETIMEDOUT', hint: /backlog-full|timeout/ });
  const tried = attempts(3);
  const connected = sunpath.connect(path);
  await tried;
  server.stdin.write('\n');
  const client = await connected;
  await printed(server, 'accepted');
  client.destroy();
  server.stdin.end();
  await server.ended;
});

test('an AbortSignal ends the waiting, and later the socket', async () => {
  const path = socketPath();
  const before = nDescriptors();
  await assert.rejects(sunpath.connect(path, { signal: AbortSignal.abort() }), { name: 'AbortError', code: 'ABORT_ERR' });
  const controller = new AbortController();
  const waiting = sunpath.connect(path, { wait: true, timeout: Infinity, signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await assert.rejects(waiting, error => error.name === 'AbortError' && error.cause.message === 'enough');
  await until(() => nDescriptors() <= before + 1, 'the descriptors');

  const server = await sunpath.listen(path, conn => conn.resume());
  const later = new AbortController();
  const client = await sunpath.connect(path, { signal: later.signal });
  const failed = once(client, 'error');
  later.abort();
  assert.strictEqual((await failed)[0].name, 'AbortError');
  assert.strictEqual(client.destroyed, true);
  await server.close();
});

test('a TCP connect can be aborted, too', async () => {
  const controller = new AbortController();
  // a listener whose backlog is full: further connects hang
  const server = python(`
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0); kept = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); kept.append(c)
print("port", s.getsockname()[1], "up", flush=True); sys.stdin.read()`);
  await printed(server, 'up');
  const waiting = sunpath.connect(`tcp:127.0.0.1:${server.output.split(' ')[1]}`, { signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(waiting, { name: 'AbortError' });
  server.stdin.end();
  await server.ended;
});

test('expectUser: only a server of that user is talked to', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, conn => conn.on('error', () => {}).end('me'));
  const client = await sunpath.connect(path, { expectUser: process.getuid() });
  assert.strictEqual(String(await collect(client)), 'me');
  await assert.rejects(sunpath.connect(path, { expectUser: process.getuid() + 1 }), { code: 'EPERM', hint: 'wrong-owner' });
  await assert.rejects(sunpath.connect(path, { expectUser: 'nobody-of-that-name' }), { code: 'EINVAL' });
  await server.close();
});

test('arguments of a wrong type or range are refused', async () => {
  for (const address of [undefined, null, 1, {}, [], true, Symbol('x'), 1n]) {
    await assert.rejects(sunpath.connect(address), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  const wrong = {
    timeout: [-1, '1', NaN, 1.5, 2 ** 31], wait: [1, 'yes'], expectUser: [{}, -1, []], signal: [1, {}], type: ['x', 1],
    bind: [1, 'a\0b'], highWaterMark: [-1, 'x'], allowHalfOpen: ['x'], sendBuffer: [-1, 'x'], receiveBuffer: [-1],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      await assert.rejects(sunpath.connect('/nonexistent', { [name]: value }),
        error => /^(TypeError|RangeError)$/.test(error.name) && /^ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)$/.test(error.code),
        `${name}: ${String(value)}`);
    }
  }
  await assert.rejects(sunpath.connect('/nonexistent', 1), { code: 'ERR_INVALID_ARG_TYPE' });
});
