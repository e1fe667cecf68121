// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const sunpath = require('..');

test('an address is taken apart', () => {
  assert.deepStrictEqual(sunpath.parseAddress('/run/app.sock'),
    { kind: 'path', type: 'stream', isTyped: false, name: '/run/app.sock' });
  assert.deepStrictEqual(sunpath.parseAddress('tcp:[::1]:80'),
    { kind: 'tcp', type: 'stream', isTyped: false, host: '::1', port: 80 });
  assert.deepStrictEqual(sunpath.parseAddress('fd:3'), { kind: 'fd', type: 'stream', isTyped: false, fd: 3 });
  assert.strictEqual(sunpath.parseAddress('http+unix://%2Frun%2Fapp.sock/uri?x=1').uri, '/uri?x=1');
  const abstract = sunpath.parseAddress('seqpacket:@a\\x00b');
  assert.strictEqual(abstract.type, 'seqpacket');
  assert.deepStrictEqual(abstract.bytes, Buffer.from('a\0b'));
});

test('what was taken apart is put together again', () => {
  for (const text of ['/run/app.sock', './a', '@name', 'abns@name', '@a\\x00\\xff', 'tcp:[::1]:80', 'tcp:localhost:0',
    'fd:3', 'systemd:web', 'seqpacket:/run/x', 'dgram:@y', 'autobind:']) {
    const parts = sunpath.parseAddress(text);
    const again = sunpath.formatAddress(parts);
    assert.deepStrictEqual(sunpath.parseAddress(again), parts, `${text} became ${again}`);
  }
  assert.strictEqual(sunpath.formatAddress({ kind: 'path', name: '/run/x' }), '/run/x');
});

test('what is no address is refused with what was probably meant', () => {
  assert.throws(() => sunpath.parseAddress('run/app.sock'), error => {
    assert.strictEqual(error.code, 'EINVAL');
    assert.strictEqual(error.errno, -22);
    assert.strictEqual(error.syscall, 'parse');
    assert.strictEqual(error.address, 'run/app.sock');
    assert.strictEqual(error.hint, 'invalid');
    assert.match(error.message, /^EINVAL: .*\.\/run\/app\.sock/);
    return error instanceof Error;
  });
});

test('arguments of a wrong type or range are refused', () => {
  for (const value of [undefined, null, 1, {}, [], true, Symbol('x'), () => {}, 1n]) {
    assert.throws(() => sunpath.parseAddress(value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => sunpath.parseAddress('/a\0b'), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  for (const value of [undefined, null, 1, 'x', [], true]) {
    assert.throws(() => sunpath.formatAddress(value), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  assert.throws(() => sunpath.formatAddress({ kind: 'nonsense' }), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => sunpath.formatAddress({ kind: 'tcp', host: 'x', port: 65536 }),
    { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => sunpath.formatAddress({ kind: 'tcp', host: 'x', port: '80' }),
    { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => sunpath.formatAddress({ kind: 'abstract', bytes: new Uint8Array(5000) }),
    { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
});
