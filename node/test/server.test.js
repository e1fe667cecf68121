// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const { test } = require('node:test');
const sunpath = require('..');
const { collect, nDescriptors, printed, python, socketPath, start, until } = require('./support');

test('it publishes with its mode, owner and group, and removes the file', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, { mode: 0o620, owner: process.getuid(), group: String(process.getgid()) });
  assert.strictEqual(server.address, path);
  assert.strictEqual(server.listening, true);
  assert.strictEqual(fs.statSync(path).mode & 0o7777, 0o620);
  await server.close();
  assert.strictEqual(server.listening, false);
  assert.strictEqual(fs.existsSync(path), false);
  const other = await sunpath.listen(path, { mode: '0666' });
  assert.strictEqual(fs.statSync(path).mode & 0o7777, 0o666);
  await other.close();
});

test('a living server is never replaced, a stale file is', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  await assert.rejects(sunpath.listen(path), error => {
    assert.strictEqual(error.code, 'EADDRINUSE');
    assert.strictEqual(error.syscall, 'listen');
    assert.strictEqual(error.path, path);
    assert.strictEqual(error.hint, 'in-use');
    assert.match(error.message, new RegExp(String(process.pid)));
    return true;
  });
  await server.close();
  const child = python(`
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os._exit(0)`, path);
  await child.ended;
  await assert.rejects(sunpath.connect(path), { code: 'ECONNREFUSED', hint: 'stale', syscall: 'connect', path });
  await (await sunpath.listen(path)).close();
});

test('errors carry code, errno, syscall and where', async () => {
  await assert.rejects(sunpath.listen('/nonexistent/x.sock'), { code: 'ENOENT', errno: -2, syscall: 'listen',
    path: '/nonexistent/x.sock', hint: 'missing' });
  await assert.rejects(sunpath.listen('nonsense'), { code: 'EINVAL' });
  await assert.rejects(sunpath.listen(socketPath(), { owner: 'nobody-of-that-name' }), { code: 'EINVAL' });
  await assert.rejects(sunpath.listen(socketPath(), { allow: ['colour=red'] }), { code: 'EINVAL' });
  await assert.rejects(sunpath.listen('@sunpath-test', { mode: 0o600 }), { code: 'EINVAL' });
});

test('abstract, autobind and TCP addresses serve, too', async () => {
  for (const address of ['autobind:', `@sunpath-node-${process.pid}`, 'tcp:127.0.0.1:0']) {
    const server = await sunpath.listen(address, conn => conn.pipe(conn));
    const client = await sunpath.connect(server.address);
    client.end('hi');
    assert.strictEqual(String(await collect(client)), 'hi');
    await server.close();
  }
});

test('allow and deny decide who comes in', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, { deny: [`uid=${process.getuid()}`] });
  const client = net.connect(path);
  client.on('error', () => {});
  await once(client, 'close');
  assert.strictEqual(server.refused, 1);
  await server.close();
  const open = await sunpath.listen(path, { allow: [`uid=${process.getuid()}`] }, conn => conn.end('welcome'));
  assert.strictEqual(String(await collect(await sunpath.connect(path))), 'welcome');
  await open.close();
});

test('connections can be iterated, and close ends that', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const words = [];
  const served = (async () => {
    for await (const conn of server) {
      words.push(String(await collect(conn)));
      if (words.length === 3) server.close();
    }
  })();
  for (const word of ['a', 'b', 'c']) (await sunpath.connect(path)).end(word);
  await served;
  assert.deepStrictEqual(words, ['a', 'b', 'c']);
  for await (const _ of server) assert.fail('it is closed');
});

test('a loop over connections that is left early closes those it has not come to', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const connections = server[Symbol.asyncIterator]();
  const first = connections.next();
  const clients = [];
  for (let i = 0; i < 5; i++) clients.push(await sunpath.connect(path));
  await until(() => server.connections === 5, 'five connections');
  (await first).value.destroy();
  await connections.return();
  await server.close();
  assert.strictEqual(server.connections, 0);
  for (const client of clients) client.destroy();
});

test('close waits for the connections that are open, and calls back', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, conn => conn.resume());
  const client = await sunpath.connect(path);
  await once(server, 'connection');
  assert.strictEqual(server.connections, 1);
  let isClosed = false;
  const closed = server.close(error => assert.ifError(error));
  closed.then(() => { isClosed = true; });
  await assert.rejects(sunpath.connect(path), { code: 'ENOENT' });
  assert.strictEqual(isClosed, false);
  client.end();
  await closed;
  assert.strictEqual(server.connections, 0);
  const error = await new Promise(resolve => server.close(resolve));
  assert.strictEqual(error.code, 'ERR_SERVER_NOT_RUNNING');
});

test('close ends, too, when nobody holds the last connection', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  await (async () => { await sunpath.connect(path); })();
  await until(() => server.connections === 1, 'the connection');
  let isClosed = false;
  server.close().then(() => { isClosed = true; });
  await until(() => {
    global.gc();
    return isClosed;
  }, 'the close');
});

test('maxConnections drops what is too many', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, { maxConnections: 1 }, conn => conn.pipe(conn));
  const first = await sunpath.connect(path);
  await once(server, 'connection');
  const dropped = once(server, 'drop');
  const second = await sunpath.connect(path);
  await dropped;
  assert.strictEqual((await collect(second)).length, 0);
  first.end('still here');
  assert.strictEqual(String(await collect(first)), 'still here');
  await server.close();
});

test('an AbortSignal closes the server', async () => {
  const path = socketPath();
  const controller = new AbortController();
  const server = await sunpath.listen(path, { signal: controller.signal });
  controller.abort();
  await once(server, 'close');
  assert.strictEqual(fs.existsSync(path), false);
  await assert.rejects(sunpath.listen(path, { signal: AbortSignal.abort() }), { name: 'AbortError', code: 'ABORT_ERR' });
  assert.strictEqual(fs.existsSync(path), false);
});

test('disposing closes the server and its connections', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const client = await sunpath.connect(path);
  await once(server, 'connection');
  const closed = once(client.resume(), 'close');
  await server[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
  await closed;
});

test('ref and unref decide whether the process stays', async () => {
  const run = code => start(process.execPath, '-e',
    `const sunpath = require(${JSON.stringify(require.resolve('..'))}); ${code}`, socketPath());
  const left = run('sunpath.listen(process.argv[1]).then(server => { server.unref(); console.log("up"); })');
  assert.strictEqual(await left.ended, 0);
  const stays = run('sunpath.listen(process.argv[1]).then(server => { server.unref().ref(); console.log("up"); })');
  await printed(stays, 'up');
  (await sunpath.connect(stays.spawnargs.at(-1))).destroy();
  assert.strictEqual(stays.exitCode, null);
  stays.kill();
  await stays.ended;
  const client = run(`sunpath.listen(process.argv[1]).then(async server => { server.unref();
    const c = await sunpath.connect(process.argv[1]); c.on('data', () => {}); c.unref(); })`);
  assert.strictEqual(await client.ended, 0);
});

test('running out of descriptors ends nothing: it goes on when there are some again', async () => {
  const path = socketPath();
  const child = start('bash', '-c', `ulimit -n 40; exec "$0" -e "$1" "$2"`, process.execPath, `
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    sunpath.listen(process.argv[1], conn => conn.pipe(conn)).then(() => console.log('up'));`, path);
  await printed(child, 'up');
  const clients = [];
  for (let i = 0; i < 60; i++) {
    const client = net.connect(path);
    client.on('error', () => {});
    client.write('x');
    client.got = once(client, 'data');
    clients.push(client);
  }
  await clients[0].got;
  for (let i = 0; i < 60; i++) {
    await clients[i].got;
    clients[i].destroy();
  }
  child.kill();
  await child.ended;
});

test('the listener is handed over: same file, no connect fails', async () => {
  const path = socketPath();
  const control = socketPath();
  const server = await sunpath.listen(path, conn => conn.end('old'));
  const inode = fs.statSync(path).ino;
  const controls = await sunpath.listen(control);
  const child = start(process.execPath, '-e', `
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    (async () => {
      const server = await sunpath.takeOver(await sunpath.connect(process.argv[1]), conn => conn.end('new'));
      console.log('took', server.address);
      process.stdin.resume().on('end', () => server.close());
    })();`, control);
  const [conn] = await once(controls, 'connection');
  let stop = false;
  const seen = new Set();
  const clients = (async () => {
    while (!stop) seen.add(String(await collect(await sunpath.connect(path))));
  })();
  await server.handOver(conn, { timeout: 20000 });
  await printed(child, `took ${path}`);
  await until(() => seen.has('new'), 'the new server');
  await server.close();
  assert.strictEqual(fs.statSync(path).ino, inode);
  stop = true;
  await clients;
  await assert.rejects(server.handOver(conn), { code: 'ERR_SERVER_NOT_RUNNING' });
  child.stdin.end();
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(fs.existsSync(path), false);
  await controls.close();
});

test('a hand-over that fails changes nothing', async () => {
  const path = socketPath();
  const control = socketPath();
  const server = await sunpath.listen(path, conn => conn.end('old'));
  const controls = await sunpath.listen(control);
  const other = net.connect(control);
  const [conn] = await once(controls, 'connection');
  await assert.rejects(server.handOver(conn, { timeout: 50 }), { code: 'ETIMEDOUT', syscall: 'hand-over' });
  assert.strictEqual(String(await collect(await sunpath.connect(path))), 'old');
  other.destroy();
  await server.close();
  await controls.close();
});

test('nothing is left: descriptors are back to where they were', async () => {
  const path = socketPath();
  await (await sunpath.listen(path)).close();
  const before = nDescriptors();
  for (let round = 0; round < 3; round++) {
    const server = await sunpath.listen(path, conn => conn.pipe(conn));
    const clients = await Promise.all(Array.from({ length: 50 }, () => sunpath.connect(path)));
    await Promise.all(clients.map(client => collect(client.end('x'))));
    await server.close();
    await until(() => nDescriptors() === before, 'the descriptors');
  }
});

test('arguments of a wrong type or range are refused', async () => {
  const path = socketPath();
  for (const address of [undefined, null, 1, {}, [], true, Symbol('x'), 1n]) {
    await assert.rejects(sunpath.listen(address), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  const wrong = {
    mode: ['rw', '999', -1, 0, 0o10000, 1.5, {}], owner: [{}, -1, 1.5], group: [[], true], allow: ['uid=0', [1], {}],
    deny: [1], backlog: [-2, '1', 2 ** 31], maxConnections: [-1, 'x', 0.5], highWaterMark: [-1, '1'],
    allowHalfOpen: [1, 'yes'], type: ['tcp', 1], signal: [1, {}], sendBuffer: [-1, 2 ** 31], receiveBuffer: ['x'],
    reusePort: [1], objectMode: [true],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      await assert.rejects(sunpath.listen(path, { [name]: value }),
        error => /^(TypeError|RangeError)$/.test(error.name) && /^ERR_(INVALID_ARG_(TYPE|VALUE)|OUT_OF_RANGE)$/.test(error.code),
        `${name}: ${String(value)}`);
    }
  }
  await assert.rejects(sunpath.listen(path, 1), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(sunpath.listen(path, {}, 1), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.strictEqual(fs.existsSync(path), false);
});

test('each option is looked at once, and what is no signal leaves nothing behind', async () => {
  const path = socketPath();
  const looks = [];
  const options = Object.create({ get backlog() { return looks.push('backlog'); } }, {
    mode: { enumerable: true, get() { looks.push('mode'); return 0o600; } },
    signal: { enumerable: true, get() { return void looks.push('signal'); } },
  });
  const server = await sunpath.listen(path, options);
  assert.deepStrictEqual(looks.sort(), ['backlog', 'mode', 'signal']);
  await server.close();
  await assert.rejects(sunpath.listen(path, { signal: { aborted: false } }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert(!fs.existsSync(path));
});

test('an option that a call does not have is refused: a misspelt mode would leave the socket open', async () => {
  const path = socketPath();
  const refused = name => ({ code: 'ERR_INVALID_ARG_VALUE', message: new RegExp(`"options\\.${name}" argument is no option`) });
  await assert.rejects(sunpath.listen(path, { mod: 0o600 }), refused('mod'));
  await assert.rejects(sunpath.connect(path, { expectuser: 0 }), refused('expectuser'));
  await assert.rejects(sunpath.bind(`dgram:${path}`, { alow: ['uid=0'] }), refused('alow'));
  await assert.rejects(sunpath.serve(path, { Mode: 0o600 }, () => 'x'), refused('Mode'));
  await assert.rejects(sunpath.httpListen(() => {}, path, { maxConnections: 1 }), refused('maxConnections'));
  await assert.rejects(sunpath.doctor(path, { uid: 0 }), refused('uid'));
  await assert.rejects(sunpath.list({ directory: [] }), refused('directory'));
  assert.strictEqual(fs.existsSync(path), false);
  await (await sunpath.listen(path, { mod: undefined })).close();
});
