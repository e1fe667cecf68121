// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');
const undici = require('undici');
const sunpath = require('..');
const { socketPath, start } = require('./support');

const urlAt = (path, uri = '/') => `http+unix://${encodeURIComponent(path)}${uri}`;

async function serving(use) {
  const handler = async request => {
    const { pathname, search } = new URL(request.url);
    if (pathname === '/redirect') return Response.redirect('http://localhost/target?x=1', 302);
    if (pathname === '/away') return Response.redirect('http://example.org/target', 302);
    return Response.json({ method: request.method, pathname, search, host: request.headers.get('host'),
      a: request.headers.get('x-a'), body: await request.text() });
  };
  const server = await sunpath.serve(socketPath(), { maxBody: Infinity }, handler);
  try {
    await use(server.address, server);
  } finally {
    await server.close({ timeout: 0 });
  }
}

test('fetch reaches a Unix socket', async () => {
  await serving(async path => {
    const response = await sunpath.fetch(urlAt(path, '/a/b?c=d#e'), { headers: { 'x-a': '1' } });
    assert.ok(response instanceof undici.Response);
    assert.strictEqual(response.url, urlAt(path, '/a/b?c=d'));
    assert.deepStrictEqual(await response.json(), { method: 'GET', pathname: '/a/b', search: '?c=d', host: 'localhost', a: '1', body: '' });
    for (const input of [new URL(urlAt(path, '/x')), `unix:${path}:/x`, `http://unix:${path}:/x`]) {
      assert.strictEqual((await (await sunpath.fetch(input)).json()).pathname, '/x');
    }
    const body = 'y'.repeat(500_000);
    assert.strictEqual((await (await sunpath.fetch(urlAt(path), { method: 'POST', body })).json()).body, body);
    const request = new Request(urlAt(path, '/r'), { method: 'PUT', body: 'z', headers: { 'x-a': '2' } });
    assert.deepStrictEqual(await (await sunpath.fetch(request)).json(),
      { method: 'PUT', pathname: '/r', search: '', host: 'localhost', a: '2', body: 'z' });
  });
});

test('redirects stay on the socket', async () => {
  await serving(async path => {
    const response = await sunpath.fetch(urlAt(path, '/redirect'));
    assert.strictEqual(response.redirected, true);
    assert.strictEqual(response.url, urlAt(path, '/target?x=1'));
    assert.strictEqual((await (await sunpath.fetch(urlAt(path, '/away'))).json()).pathname, '/target');
  });
});

test('connections are used again, and failures have our reasons', async () => {
  await serving(async (path, server) => {
    for (let i = 0; i < 10; i++) await (await sunpath.fetch(urlAt(path))).text();
    assert.ok(server.stats().accepted <= 2);
  });
  await assert.rejects(sunpath.fetch(urlAt('/nonexistent/x.sock')), error => {
    assert.strictEqual(error.cause.code, 'ENOENT');
    assert.strictEqual(error.cause.hint, 'missing');
    return error instanceof TypeError;
  });
  const path = socketPath();
  const dead = start('python3', '-c', 'import socket, sys, os; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os._exit(0)', path);
  await dead.ended;
  await assert.rejects(sunpath.fetch(urlAt(path)), error => error.cause.hint === 'stale');
});

test('abstract names, long paths and a signal', async () => {
  const name = `@sunpath-fetch-${process.pid}`;
  const server = await sunpath.serve(name, request => (request.url.endsWith('/wait') ? new Promise(() => {}) : 'abstract'));
  assert.strictEqual(await (await sunpath.fetch(urlAt(name))).text(), 'abstract');
  await assert.rejects(sunpath.fetch(urlAt(name, '/wait'), { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
  await server.close({ timeout: 0 });
});

test('a Dispatcher for undici', async () => {
  await serving(async path => {
    const any = new sunpath.Dispatcher();
    assert.ok(any instanceof undici.Dispatcher);
    const { statusCode, body } = await any.request({ origin: urlAt(path).slice(0, -1), path: '/d', method: 'GET' });
    assert.strictEqual(statusCode, 200);
    assert.strictEqual((await body.json()).pathname, '/d');
    await assert.rejects(any.request({ origin: 'http://localhost', path: '/', method: 'GET' }), { code: 'ERR_INVALID_ARG_VALUE' });
    await any.close();

    const bound = new sunpath.Dispatcher(path, { connections: 2, connect: { timeout: 1000 } });
    assert.strictEqual((await (await undici.fetch('http://whatever/f', { dispatcher: bound })).json()).pathname, '/f');
    assert.strictEqual((await (await undici.request('http://whatever/g', { dispatcher: bound })).body.json()).pathname, '/g');
    assert.strictEqual((await (await sunpath.fetch(urlAt(path, '/h'), { dispatcher: bound })).json()).pathname, '/h');
    await bound.destroy();
  });
});

test('other URLs go to undici', async () => {
  const server = http.createServer((request, response) => response.end('tcp')).listen(0, '127.0.0.1');
  await new Promise(resolve => server.on('listening', resolve));
  assert.strictEqual(await (await sunpath.fetch(`http://127.0.0.1:${server.address().port}/`)).text(), 'tcp');
  server.closeAllConnections();
  server.close();
});

test('bad arguments are refused', async () => {
  for (const input of [undefined, null, 1, {}, [], true]) {
    await assert.rejects(sunpath.fetch(input), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const init of [1, 'x', []]) {
    await assert.rejects(sunpath.fetch('http+unix://%2Fx/', init), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const address of [1, true, 'a\0b']) assert.throws(() => new sunpath.Dispatcher(address), TypeError);
  for (const options of [1, 'x', []]) assert.throws(() => new sunpath.Dispatcher('/x', options), TypeError);
  assert.throws(() => new sunpath.Dispatcher('/x', { connect: { timeout: 'x' } }), TypeError);
  assert.throws(() => new sunpath.Dispatcher('nonsense'), { code: 'EINVAL' });
  await assert.rejects(sunpath.fetch('http+unix://'), { code: 'EINVAL' });
});
