// SPDX-License-Identifier: MIT
// Answers that are simple and alike take a shorter way after the first few: nobody notices.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');
const sunpath = require('..');
const { collect, socketPath, turns, uncaught } = require('./support');

// Asks `n` times, one after the other on one connection; each answer is { status, raw, body }.
async function asking(handler, n, { headers, method, agent = new http.Agent({ keepAlive: true, maxSockets: 1 }) } = {}) {
  const server = await sunpath.serve(socketPath(), { onError() {} }, handler);
  const answers = [];
  try {
    for (let i = 0; i < n; i++) {
      const response = await new Promise((resolve, reject) => {
        http.get({ socketPath: server.address, path: `/${i}`, headers, method, agent }, resolve).on('error', reject);
      });
      answers.push({ status: response.statusCode, headers: response.headers, body: await collect(response) });
    }
  } finally {
    agent.destroy();
    await server.close({ timeout: 0 });
  }
  return answers;
}

test('the same headers many times, with other bodies and statuses', async () => {
  const answers = await asking(request => {
    const i = Number(request.url.slice(17));
    return { status: i % 2 ? 201 : undefined, headers: { 'Content-Type': 'text/css', 'X-One': 'é', Server: 'mine' }, body: `${i} ä` };
  }, 40);
  for (const [i, { status, headers, body }] of answers.entries()) {
    assert.strictEqual(status, i % 2 ? 201 : 200);
    assert.strictEqual(headers['content-type'], 'text/css');
    assert.strictEqual(headers['x-one'], 'é');
    assert.strictEqual(headers.server, undefined);
    assert.strictEqual(String(body), `${i} ä`);
  }
});

test('more sets of headers than are remembered, in turn, and some that never come again', async () => {
  const answers = await asking(request => {
    const i = Number(request.url.slice(17));
    const headers = { [`x-${i % 7}`]: `value ${i % 3}`, 'x-all': 'all' };
    if (i % 5 === 0) headers['x-number'] = `${i}`;
    return { headers, body: Buffer.from(`${i}`) };
  }, 400);
  for (const [i, { headers, body }] of answers.entries()) {
    const { date, connection, 'keep-alive': alive, ...others } = headers;
    assert.deepStrictEqual(others, {
      'content-type': 'application/octet-stream', 'content-length': `${`${i}`.length}`, 'x-all': 'all',
      [`x-${i % 7}`]: `value ${i % 3}`, ...(i % 5 === 0 && { 'x-number': `${i}` }),
    });
    assert.strictEqual(String(body), `${i}`);
  }
});

test('headers that only look alike', async () => {
  const kinds = [
    { a: '1', b: '2' }, { b: '2', a: '1' }, { a: '1' }, { a: '1', b: '2', c: '3' }, { a: ['1', '3'], b: '2' }, { a: 1, b: '2' },
    new Headers({ a: '1', b: '2' }), [['a', '1'], ['b', '2']], Object.assign(Object.create({ c: '3' }), { a: '1', b: '2' }), {}, null,
  ];
  const expected = ['12', '12', '1', '123', '1, 32', '12', '12', '12', '12', '', ''];
  const answers = await asking(request => {
    const i = Number(request.url.slice(17));
    return { headers: kinds[i % kinds.length], body: 'x' };
  }, 20 * kinds.length);
  for (const [i, { headers }] of answers.entries()) {
    const { a = '', b = '', c = '' } = headers;
    assert.strictEqual(`${a}${b}${c}`, expected[i % kinds.length], `answer ${i}`);
  }
});

test('headers that are wrong stay wrong, and a body where none may be', async () => {
  const answers = await asking(request => {
    const i = Number(request.url.slice(17));
    if (i % 3 === 0) return { headers: { 'bad name': 'x' }, body: 'x' };
    if (i % 3 === 1) return { headers: { good: 'a\nb' }, body: 'x' };
    return { status: 204, headers: { good: 'x' }, body: 'x' };
  }, 90);
  for (const { status } of answers) assert.strictEqual(status, 500);
});

test('ticks and promises of a handler run behind it, and one that throws does not keep its answer', async () => {
  const order = [];
  const answers = asking(request => {
    order.push(`handler ${request.url.slice(17)}`);
    process.nextTick(() => {
      order.push('tick');
      if (/\/(12|21)$/.test(request.url)) throw new Error('on purpose');
    });
    Promise.resolve().then(() => order.push('promise'));
    return request.url.endsWith('2') ? 'x' : { headers: { 'x-one': '1' }, body: 'x' };
  }, 30);
  for (let i = 0; i < 2; i++) assert.strictEqual((await uncaught(() => {})).message, 'on purpose');
  for (const [i, { status, headers, body }] of (await answers).entries()) {
    assert.strictEqual(`${status} ${body}`, '200 x');
    assert.strictEqual(headers['x-one'], i % 10 === 2 ? undefined : '1');
  }
  assert.deepStrictEqual(order, Array.from({ length: 30 }).flatMap((_, i) => [`handler ${i}`, 'tick', 'promise']));
});

test('answers that are given at the same time do not get each other\'s headers', async () => {
  const waiting = [];
  const server = await sunpath.serve(socketPath(), { onError() {} }, request => {
    const kind = request.url.slice(17);
    const result = { status: kind === 'async' ? 201 : 202, headers: { [`x-${kind}`]: kind }, body: kind };
    if (kind === 'async') return new Promise(resolve => waiting.push(() => resolve(result)));
    waiting.pop()?.(); // goes on before the answer of this one has left
    return result;
  });
  const agent = new http.Agent({ keepAlive: true });
  const ask = async path => {
    const request = http.get({ socketPath: server.address, path, agent });
    const [response] = await once(request, 'response');
    return { status: response.statusCode, headers: response.headers, body: await collect(response) };
  };
  for (let i = 0; i < 60; i++) {
    const later = ask('/async');
    while (waiting.length === 0) await turns(1);
    for (const [{ status, headers, body }, kind] of [[await ask('/sync'), 'sync'], [await later, 'async']]) {
      assert.strictEqual(`${status} ${body}`, `${kind === 'async' ? 201 : 202} ${kind}`);
      assert.deepStrictEqual(Object.keys(headers).filter(name => name.startsWith('x-')), [`x-${kind}`]);
    }
  }
  agent.destroy();
  await server.close({ timeout: 0 });
});

test('requests that wait while many others come keep what they are', async () => {
  const held = [];
  const server = await sunpath.serve(socketPath(), { onError() {} }, request => {
    if (!request.url.endsWith('/held')) return 'x';
    return new Promise(resolve => held.push(() => resolve(`${request.url} ${request.headers.get('x-size').length}`)));
  });
  const agent = new http.Agent({ keepAlive: true });
  const ask = async path => {
    const request = http.get({ socketPath: server.address, path, agent, headers: { 'x-size': 'y'.repeat(5000) } });
    const [response] = await once(request, 'response');
    return String(await collect(response));
  };
  const answers = Array.from({ length: 20 }, () => ask('/held'));
  for (let i = 0; i < 60; i++) assert.strictEqual(await ask('/'), 'x');
  held.forEach(give => give());
  for (const answer of answers) assert.strictEqual(await answer, 'http://localhost/held 5000');
  agent.destroy();
  await server.close({ timeout: 0 });
});

test('HEAD has the length and no body', async () => {
  const answers = await asking(() => ({ headers: { 'x-one': '1' }, body: 'hello' }), 30, { method: 'HEAD' });
  for (const { headers, body } of answers) {
    assert.strictEqual(headers['content-length'], '5');
    assert.strictEqual(headers['x-one'], '1');
    assert.strictEqual(body.length, 0);
  }
});

test('requests can be read long after they were answered, whatever the size of their heads', async () => {
  for (const size of [10, 3000, 12000]) {
    const requests = [];
    const infos = [];
    await asking((request, info) => {
      requests.push(request);
      infos.push(info);
      return 'x';
    }, 60, { headers: { 'x-size': 'y'.repeat(size) } });
    for (const [i, request] of requests.entries()) {
      assert.strictEqual(request.url, `http://localhost/${i}`);
      assert.strictEqual(request.headers.get('x-size').length, size);
      assert.strictEqual(infos[i].httpVersion, '1.1');
    }
  }
});
