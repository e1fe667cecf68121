// SPDX-License-Identifier: MIT
// Every argument of every call with wrong types and ranges: an error with a code, never a crash.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { test } = require('node:test');
const binding = require('../lib/binding');
const sunpath = require('..');
const { nDescriptors, socketPath, until } = require('./support');

// The same every time, unless told otherwise; a failure says which.
const seed = Number(process.env.SEED ?? 1);
let state = seed;
function random(n) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
}

const detached = new Uint8Array(8);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const throwing = new Proxy({}, { get() { throw new RangeError('a getter that throws'); } });

// No number is a descriptor of this process, and no name leads anywhere.
const values = [
  undefined, null, true, false, 0.5, -1, 1e9, 2 ** 31, 2 ** 53, -(2 ** 31), NaN, Infinity, -Infinity, 10n, Symbol('x'),
  '', 'x', 'a\0b', '\ud800', '/', '/nonexistent/x', '@', 'tcp:', 'y'.repeat(5000), [], [1, 2], ['x'], {}, { fd: -1 },
  { size: 1 }, Object.create(null), () => {}, Array, new Date(0), /x/, new Map(), new Error('x'), Promise.resolve(),
  Buffer.alloc(0), Buffer.from('bytes'), new Uint16Array(3), new Float64Array(2), new BigInt64Array(1),
  new DataView(new ArrayBuffer(4)), new ArrayBuffer(4), new SharedArrayBuffer(4), detached, throwing,
  new Proxy(() => {}, {}), AbortSignal.abort(), { valueOf() { return 1; } }, { toString() { return '/nonexistent/y'; } },
  Object.freeze({ type: 'stream' }), { mode: 'x', type: 5 }, new Uint8Array(new SharedArrayBuffer(8)),
];
const pick = () => values[random(values.length)];

function isRefusal(error) {
  return error instanceof Error && (typeof error.code === 'string' || error.message === 'a getter that throws' ||
    error instanceof TypeError);
}

function check(error, what) {
  assert(isRefusal(error), `seed ${seed}: ${what}: ${error?.stack ?? String(error)}`);
}

// Promises that are refused are as good; what is opened after all is closed.
async function attempt(call, what) {
  try {
    const result = await call();
    if (result && typeof result === 'object') {
      result.on?.('error', () => {});
      (result.destroy ?? result.close)?.call(result);
    }
  } catch (error) {
    check(error, what);
  }
}

const isClass = value => typeof value === 'function' && /^class\b/.test(String(value));
// Without those that are only there with another package.
function entries(module) {
  return Object.entries(Object.getOwnPropertyDescriptors(module)).filter(([, { value }]) => value !== undefined)
    .map(([name, { value }]) => [name, value]);
}
const constructors = module => entries(module).filter(([name, value]) =>
  typeof value === 'function' && (isClass(value) || /^[A-Z]/.test(name)));
const functions = module => entries(module).filter(([name, value]) =>
  typeof value === 'function' && !isClass(value) && /^[a-z]/.test(name));

// The first two would take lib/'s own away; these wait for another process.
const SKIPPED = new Set(['setCallbacks', 'setBatch']);

for (const [title, module] of [['the package', sunpath], ['the addon', binding]]) {
  test(`every function of ${title}`, async () => {
    for (const [name, call] of functions(module)) {
      if (SKIPPED.has(name)) continue;
      const end = performance.now() + 1500; // some look at every process
      for (let i = 0; i < 300 && performance.now() < end; i++) {
        const args = Array.from({ length: random(6) }, pick);
        await attempt(() => call(...args), name);
      }
    }
  });

  test(`every constructor of ${title}`, async () => {
    for (const [name, Class] of constructors(module)) {
      for (let i = 0; i < 300; i++) {
        const args = Array.from({ length: random(5) }, pick);
        await attempt(() => new Class(...args), name);
      }
    }
  });

  test(`no class of ${title} is called without new`, () => {
    for (const [name, Class] of constructors(module)) {
      if (name === 'Dispatcher') continue; // it is the same with and without
      for (const value of values) assert.throws(() => Class(value, value, value), TypeError, name);
    }
  });

  test(`every method of ${title} on a wrong object`, async () => {
    const objects = [{}, [], null, undefined, 1, new binding.Descriptor(1e9), () => {}];
    for (const [name, Class] of constructors(module)) {
      for (const [method, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Class.prototype))) {
        if (typeof value !== 'function' || method === 'constructor' || method.startsWith('_')) continue; // _write ...: the stream's own
        for (const object of objects) {
          if (object instanceof Class) continue;
          await attempt(() => value.call(object, pick(), pick()), `${name}.${method}`);
        }
      }
    }
  });
}

// Calls the methods of `object` that are not in `except`, with anything.
async function torment(object, except, n) {
  const names = new Set();
  for (let type = Object.getPrototypeOf(object); type && type !== Object.prototype; type = Object.getPrototypeOf(type)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if (typeof value === 'function' && name !== 'constructor' && !except.includes(name)) names.add(name);
    }
  }
  const list = [...names];
  for (let i = 0; i < n; i++) {
    const name = list[random(list.length)];
    // what is called later calls it: only a class would be refused then, and by nobody here
    const args = Array.from({ length: random(5) }, pick).map(value => typeof value === 'function' ? () => {} : value);
    try {
      const result = object[name](...args);
      if (typeof result?.then === 'function') result.then(() => {}, () => {}); // what destroy() was given, as a rule
    } catch (error) {
      check(error, name);
    }
    if (i % 50 === 0) await new Promise(setImmediate);
  }
}

test('the methods of what is open, and of what is closed', async () => {
  const before = nDescriptors();
  const path = socketPath();
  const emitter = ['emit', 'on', 'once', 'addListener', 'prependListener', 'prependOnceListener', 'off', 'removeListener',
    'removeAllListeners', 'setMaxListeners', '_read', '_write', '_writev', '_final', '_destroy', '_undestroy', 'wrap',
    'pipe', 'unpipe', 'listenerCount', 'eventNames'];
  for (let round = 0; round < 30; round++) {
    const server = await sunpath.listen(path);
    server.on('error', () => {});
    const arrived = once(server, 'connection');
    const client = await sunpath.connect(path);
    const [conn] = await arrived;
    for (const socket of [client, conn]) socket.setMaxListeners(0).on('error', () => {});
    await torment(client, [...emitter, ...(round % 2 ? ['destroy', 'end', 'destroySoon'] : [])], 200);
    await torment(server, [...emitter, ...(round % 2 ? ['close'] : [])], 50);
    client.destroy();
    conn.destroy();
    await torment(client, emitter, 100);
    server.closeAllConnections();
    await server.close();
    await torment(server, emitter, 50);
  }
  await until(() => {
    global.gc(); // what openPeerPidfd() gave was forgotten
    return nDescriptors() <= before + 3;
  }, 'the descriptors');
});

test('the handles of the addon', async () => {
  const path = socketPath();
  for (let round = 0; round < 20; round++) {
    const listener = new binding.Listener(path, {});
    listener.listen();
    const held = binding.connectNow(path, {});
    const stream = new binding.Stream(held);
    assert.strictEqual(held.get(), -1);
    assert.throws(() => new binding.Stream(held), { code: 'ERR_INVALID_ARG_VALUE' });
    for (const handle of [stream, listener]) {
      await torment(handle, ['close', 'takeFd', 'handOver', 'accept'], 200);
      handle.close();
      await torment(handle, [], 100);
    }
  }
});
