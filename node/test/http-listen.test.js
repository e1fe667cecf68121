// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');
const sunpath = require('..');
const { collect, nDescriptors, printed, socketPath, start, until } = require('./support');

function get(path, url = '/') {
  return new Promise((resolve, reject) => {
    http.get({ socketPath: path, path: url, agent: false }, async response => resolve(String(await collect(response)))).on('error', reject);
  });
}

const closed = server => new Promise(resolve => server.close(resolve));

test('an http.Server listens on our listener', async () => {
  const path = socketPath();
  const before = nDescriptors();
  const server = http.createServer((request, response) => response.end(JSON.stringify(request.socket.peer)));
  assert.strictEqual(await sunpath.httpListen(server, path, { mode: 0o620, backlog: 77 }), server);
  assert.strictEqual(server.address(), path);
  assert.strictEqual(server.listening, true);
  assert.strictEqual(fs.statSync(path).mode & 0o777, 0o620);
  const child = start('curl', '-sS', '--unix-socket', path, 'http://localhost/');
  await child.ended;
  const peer = JSON.parse(child.output);
  assert.strictEqual(peer.pid, child.pid);
  assert.strictEqual(peer.uid, process.getuid());
  assert.match(peer.exe, /\/curl$/);
  const [found] = (await sunpath.list()).filter(one => one.socket === path);
  assert.strictEqual(found.backlog, 77);
  await assert.rejects(sunpath.httpListen(http.createServer(), path), { code: 'EADDRINUSE', hint: 'in-use', path });
  await closed(server);
  assert.strictEqual(fs.existsSync(path), false);
  await until(() => nDescriptors() <= before + 6);
});

test('it replaces a stale file, and listens again elsewhere after it was closed', async () => {
  const path = socketPath();
  const dead = start('python3', '-c', 'import socket, sys, os; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os._exit(0)', path);
  await dead.ended;
  const server = http.createServer((request, response) => response.end('x'));
  await sunpath.httpListen(server, path);
  assert.strictEqual(await get(path), 'x');
  await closed(server);
  const other = socketPath();
  await sunpath.httpListen(server, other);
  assert.strictEqual(await get(other), 'x');
  await closed(server);
  server.listen(0);
  await once(server, 'listening');
  assert.ok(server.address().port > 0);
  assert.strictEqual(server.listenerCount('connection'), http.createServer().listenerCount('connection'));
  await closed(server);
});

test('rules are asked before a byte is read, and nobody hears of who is refused', async () => {
  const path = socketPath();
  let n = 0;
  const server = http.createServer((request, response) => response.end('in'));
  server.on('connection', () => n++);
  await sunpath.httpListen(server, path, { allow: ['uid=0', `uid=${process.getuid()}`], deny: ['exe=/bin/sh', `exe=${process.execPath}`] });
  const child = start('curl', '-sS', '--unix-socket', path, 'http://localhost/');
  await child.ended;
  assert.strictEqual(child.output, 'in');
  assert.strictEqual(n, 1);
  await assert.rejects(get(path), { code: /ECONNRESET|EPIPE/ });
  assert.strictEqual(n, 1);
  assert.strictEqual(server.refused, 1);
  const { PassThrough } = require('node:stream');
  const stranger = new PassThrough(); // somebody's own, of whom nothing is known
  server.emit('connection', stranger);
  assert.strictEqual(stranger.destroyed, true);
  assert.deepStrictEqual([n, server.refused], [1, 2]);
  await closed(server);
  assert.strictEqual(Object.hasOwn(server, 'emit') && server.emit !== http.Server.prototype.emit, false);
});

test('a net.Server, abstract names and TCP', async () => {
  for (const address of [`@sunpath-http-listen-${process.pid}`, 'tcp:127.0.0.1:0', socketPath()]) {
    const server = net.createServer(socket => {
      assert.strictEqual(socket.peer.pid, address.startsWith('tcp') ? undefined : process.pid);
      socket.pipe(socket);
    });
    await sunpath.httpListen(server, address);
    const where = server.address();
    const client = await sunpath.connect(typeof where === 'string' ? where : `tcp:127.0.0.1:${where.port}`);
    client.end('hi');
    assert.strictEqual(String(await collect(client)), 'hi');
    await closed(server);
  }
});

test('Express with one line', async () => {
  const express = require('express');
  const app = express();
  app.get('/who', (request, response) => response.json({ uid: request.socket.peer.uid }));
  const server = await sunpath.httpListen(app, socketPath());
  assert.deepStrictEqual(JSON.parse(await get(server.address(), '/who')), { uid: process.getuid() });
  await closed(server);
});

test('Fastify with one line, closed by its own close', async () => {
  const app = require('fastify')();
  app.get('/who', async request => ({ uid: request.raw.socket.peer.uid }));
  const path = socketPath();
  await sunpath.httpListen(app, path);
  assert.deepStrictEqual(JSON.parse(await get(path, '/who')), { uid: process.getuid() });
  await app.close();
  assert.strictEqual(fs.existsSync(path), false);
});

test('Hono on serve()', async () => {
  const { Hono } = require('hono');
  const app = new Hono();
  app.get('/hello/:name', c => c.text(`hello ${c.req.param('name')} ${c.req.query('q')}`));
  app.post('/echo', async c => c.json(await c.req.json(), 201, { 'x-a': c.req.header('x-b') }));
  app.get('/who', c => c.json({ uid: c.env.peer.uid }));
  const server = await sunpath.serve(socketPath(), app);
  assert.strictEqual(await get(server.address, '/hello/world?q=1'), 'hello world 1');
  assert.strictEqual(await get(server.address, '/nothing'), '404 Not Found');
  assert.deepStrictEqual(JSON.parse(await get(server.address, '/who')), { uid: process.getuid() });
  const child = start('curl', '-sSi', '--unix-socket', server.address, '-d', '{"a":1}', '-H', 'X-B: c', 'http://localhost/echo');
  await child.ended;
  assert.match(child.output, /^HTTP\/1.1 201 .*x-a: c.*\{"a":1\}$/s);
  await server.close();
});

test('the workers of a cluster share one socket', async () => {
  const path = socketPath();
  const script = `
    const cluster = require('node:cluster');
    const http = require('node:http');
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    const path = process.argv[2];
    (async () => {
      if (cluster.isPrimary) {
        const shared = sunpath.clusterListen(path, { mode: 0o640 });
        console.log('at', shared.address);
        let n = 0;
        for (let i = 0; i < 2; i++) cluster.fork();
        cluster.on('message', () => ++n === 2 && console.log('ready'));
        cluster.on('exit', worker => { n = 1; cluster.fork(); console.log('forked'); });
        process.on('SIGTERM', () => { shared.close(); process.exit(); });
        return;
      }
      if (process.argv[3] === 'listen') await sunpath.listen(path, { mode: 0o640 }, socket => socket.once('data', data =>
        String(data).includes('/die') ? process.exit() : socket.end('HTTP/1.1 200 OK\\r\\n\\r\\n' + process.pid)));
      else if (process.argv[3] === 'serve') await sunpath.serve(path, { mode: 0o640 }, request => request.url.endsWith('/die') ? process.exit() : String(process.pid));
      else await sunpath.httpListen(http.createServer((request, response) => request.url === '/die' ? process.exit() : response.end(String(process.pid))), path, { mode: 0o640 });
      process.send('up');
    })();`;
  const file = `${path}.js`;
  fs.writeFileSync(file, script);
  for (const kind of ['httpListen', 'serve', 'listen']) {
    const primary = start(process.execPath, file, path, kind);
    await printed(primary, 'ready');
    assert.strictEqual(fs.statSync(path).mode & 0o777, 0o640);
    const pids = new Set();
    // Held open, so that the other one, too, gets its turn.
    const sockets = [];
    await until(async () => {
      const socket = net.connect(path);
      sockets.push(socket);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      const [data] = await once(socket, 'data');
      pids.add(String(data).split('\r\n\r\n')[1].match(/\d+/)?.[0]);
      return pids.size === 2;
    }, 'both workers');
    for (const socket of sockets) socket.destroy();
    await assert.rejects(get(path, '/die'));
    await printed(primary, 'forked');
    await until(async () => !pids.has(await get(path).catch(() => [...pids][0])), 'the new worker');
    primary.kill('SIGTERM');
    await primary.ended;
    assert.strictEqual(fs.existsSync(path), false);
  }
});

test('two processes share a TCP port', async () => {
  const fd = sunpath.reusePort(0, '127.0.0.1');
  const server = http.createServer((request, response) => response.end(String(process.pid))).listen({ fd });
  await once(server, 'listening');
  const { port } = server.address();
  const other = start(process.execPath, '-e', `const fd = require(${JSON.stringify(require.resolve('..'))}).reusePort(${port}, '127.0.0.1');
    require('node:http').createServer((request, response) => response.end(String(process.pid))).listen({ fd }, () => console.log('up'));`);
  await printed(other, 'up');
  const pids = new Set();
  await until(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    pids.add(Number(await response.text()));
    return pids.size === 2;
  }, 'both processes');
  assert.deepStrictEqual([...pids].sort(), [process.pid, other.pid].sort());
  other.kill();
  await other.ended;
  server.closeAllConnections();
  await closed(server);
});

test('bad arguments are refused', async () => {
  for (const server of [undefined, null, 1, 'x', {}, [], true, { server: {} }]) {
    await assert.rejects(sunpath.httpListen(server, socketPath()), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  const server = http.createServer();
  for (const address of [undefined, null, 1, {}, [], () => {}]) {
    await assert.rejects(sunpath.httpListen(server, address), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => sunpath.clusterListen(address), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const options of [null, 1, 'x', [], { mode: true }, { allow: 'x' }, { allow: [1] }, { backlog: 'x' }, { type: 1 }]) {
    await assert.rejects(sunpath.httpListen(server, socketPath(), options), { name: 'TypeError' });
    assert.throws(() => sunpath.clusterListen(socketPath(), options), { name: 'TypeError' });
  }
  assert.throws(() => sunpath.clusterListen(socketPath(), { allow: ['uid=0'] }), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(sunpath.httpListen(server, socketPath(), { allow: ['colour=red'] }), { code: 'EINVAL' });
  await assert.rejects(sunpath.httpListen(server, '/nonexistent/x'), { code: 'ENOENT', hint: 'missing' });
  await assert.rejects(sunpath.httpListen(server, socketPath(), { type: 'seqpacket' }), TypeError);
  await sunpath.httpListen(server, socketPath());
  await assert.rejects(sunpath.httpListen(server, socketPath()), { code: 'ERR_INVALID_ARG_VALUE' });
  await closed(server);
});
