// SPDX-License-Identifier: MIT
// Every argument of every call with wrong types and ranges: an error with a code, never a crash.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { test } = require('node:test');
const binding = require('../lib/binding');
const readOptions = require('../lib/options');
const sunpath = require('..');
const nodeUnixSocket = require('../lib/node-unix-socket');
const { directory, nDescriptors, socketPath, turns, until } = require('./support');

process.chdir(directory); // what is called 'x' is made here

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

// No number is a descriptor of this process, no name leads anywhere, and every function may be called later.
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

// These would take lib/'s own away, or do what an error does that nobody caught.
const SKIPPED = new Set(['setCallbacks', 'setBatch', 'reportUncaught']);

const modules = { 'the package': sunpath, 'node-unix-socket': nodeUnixSocket, 'the addon': binding };

for (const [title, module] of Object.entries(modules)) {
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

// ---- options: each that a call knows, with anything

const { known } = readOptions;
let namesSeen;
readOptions.known = (options, ...names) => {
  namesSeen = names;
  return known(options, ...names);
};

// How a call is made with options; null: it takes none. A new function of the package must be in here.
const withOptions = {
  Dispatcher: null,
  bind: options => sunpath.bind(socketPath(), options),
  clusterListen: options => sunpath.clusterListen(socketPath(), options),
  connect: async options => sunpath.connect(await listening(), { timeout: 50, ...options }),
  doctor: async options => sunpath.doctor(await listening(), options),
  fetch: null, // undici's
  formatAddress: options => sunpath.formatAddress({ kind: 'path', name: '/x', ...options }),
  httpListen: options => sunpath.httpListen(() => {}, socketPath(), options),
  list: options => sunpath.list(options),
  listen: options => sunpath.listen(socketPath(), options),
  parseAddress: null,
  reusePort: null,
  serve: options => sunpath.serve(socketPath(), options, () => 'x'),
  takeOver: async options => {
    const socket = await sunpath.connect(await listening());
    try {
      return await sunpath.takeOver(socket, { timeout: 1, ...options });
    } finally {
      socket.destroy();
    }
  },
};

let shared;
async function listening() {
  shared ??= (await sunpath.listen(socketPath(), conn => conn.on('error', () => {}).resume().end())).unref();
  return shared.address;
}

test('every option of every function of the package', async () => {
  for (const [name] of functions(sunpath)) {
    const call = withOptions[name];
    assert(call !== undefined, `${name} is not in the list`);
    if (call === null) continue;
    namesSeen = undefined;
    await attempt(() => call({}), name);
    const names = namesSeen ?? ['kind', 'type', 'name', 'bytes', 'host', 'port', 'fd', 'isTyped', 'isPadded', 'isAuto'];
    for (const option of names) {
      const end = performance.now() + 100;
      for (let i = 0; i < values.length && performance.now() < end; i++) {
        await attempt(() => call({ [option]: values[i] }), `${name} ${option}`);
        await attempt(() => call({ [option]: pick(), get [names[random(names.length)]]() { return pick(); } }), `${name} ${option}`);
      }
    }
  }
});

// ---- methods: of what is open, and of what is closed

// Node's own, which make other objects that fail with these, or are for those who write streams.
const emitter = ['emit', 'on', 'once', 'addListener', 'prependListener', 'prependOnceListener', 'off', 'removeListener',
  'removeAllListeners', 'setMaxListeners', '_read', '_write', '_writev', '_final', '_destroy', '_undestroy', 'wrap',
  'pipe', 'unpipe', 'listenerCount', 'eventNames', 'push', 'unshift', 'map', 'filter', 'forEach', 'toArray', 'some', 'find',
  'every', 'flatMap', 'drop', 'take', 'asIndexedPairs', 'reduce', 'compose', 'iterator'];

// Calls the methods of `object` that are not in `except`, with anything, and looks at all it has.
async function torment(object, except, n) {
  const names = new Set();
  for (let type = Object.getPrototypeOf(object); type && type !== Object.prototype; type = Object.getPrototypeOf(type)) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if ((value ?? get) instanceof Function && name !== 'constructor' && !except.includes(name)) names.add(name);
    }
  }
  const list = [...names];
  for (let i = 0; i < n; i++) {
    const name = list[random(list.length)];
    const args = Array.from({ length: random(5) }, pick);
    try {
      const result = typeof object[name] === 'function' ? object[name](...args) : undefined;
      if (typeof result?.then === 'function') result.then(() => {}, () => {}); // what destroy() was given, as a rule
    } catch (error) {
      check(error, name);
    }
    if (i % 50 === 0) await new Promise(setImmediate);
  }
}

async function pair(address, options) {
  const server = await sunpath.listen(address, options);
  const arrived = once(server, 'connection');
  const client = await sunpath.connect(address, options);
  const [conn] = await arrived;
  for (const socket of [client, conn]) socket.setMaxListeners(0).on('error', () => {});
  server.on('error', () => {});
  const end = () => {
    server.closeAllConnections();
    return server.close();
  };
  return { client, end };
}

function quiet(object) {
  return object.setMaxListeners(0).on('error', () => {});
}

async function collected() {
  for (let i = 0; i < 5; i++) {
    global.gc();
    await turns(2);
  }
}

function nativePair() {
  const path = socketPath();
  const listener = new binding.Listener(path, {});
  listener.listen();
  const held = binding.connectNow(path, {});
  return { listener, held };
}

/*
 * What of each class is tormented, the methods that end it, which every other one is spared while it is open, and those
 * that are never called, as they need what lib/ gives them or give what nobody closes. A new class must be in here.
 */
const subjects = {
  'the package': {
    Descriptor: [() => new sunpath.Descriptor(1e9), ['close', 'take']],
    HttpServer: [async () => quiet(await sunpath.serve(socketPath(), () => 'x')), ['close']],
    MessageSocket: [async round => {
      if (round % 3 === 0) return quiet(await sunpath.bind(socketPath()));
      const { client, end } = await pair(round % 3 === 1 ? `seqpacket:${socketPath()}` : socketPath(), round % 3 === 1 ? {} : { framing: 'u16' });
      return Object.assign(client, { atEnd: end });
    }, ['destroy', 'end', 'destroySoon']],
    Peer: [async () => {
      const { client, end } = await pair(socketPath());
      return Object.assign(client.peer, { atEnd: end });
    }, []],
    Server: [async () => quiet(await sunpath.listen(socketPath())), ['close']],
    Socket: [async () => {
      const { client, end } = await pair(socketPath());
      return Object.assign(client, { atEnd: end });
    }, ['destroy', 'end', 'destroySoon']],
  },
  'node-unix-socket': {
    DgramSocket: [() => {
      const socket = quiet(new nodeUnixSocket.DgramSocket());
      socket.bind(socketPath());
      return socket;
    }, ['close']],
    SeqpacketServer: [() => {
      const server = quiet(new nodeUnixSocket.SeqpacketServer());
      server.listen(socketPath());
      return server;
    }, ['close']],
    SeqpacketSocket: [() => {
      const path = socketPath();
      const server = quiet(new nodeUnixSocket.SeqpacketServer());
      server.listen(path);
      const socket = quiet(new nodeUnixSocket.SeqpacketSocket());
      socket.connect(path);
      return Object.assign(socket, { atEnd: () => server.close() });
    }, ['close', 'destroy', 'end', 'connect']],
  },
  'the addon': {
    Access: [() => new binding.Access({ allow: ['user=root'] }), []],
    Channel: [() => {
      const { listener, held } = nativePair();
      return Object.assign(new binding.Channel(held, { framing: 'u16be' }), { atEnd: () => listener.close() });
    }, ['close']],
    Connecting: [() => new binding.Connecting(`${directory}/none`, { timeout: 1 }, () => {}), ['cancel']],
    Descriptor: [() => new binding.Descriptor(1e9), ['close', 'take']],
    HttpServer: [() => new binding.HttpServer({}), [], ['listen', 'close']],
    Listener: [() => nativePair().listener, ['close'], ['handOver', 'accept']],
    Packet: [() => new binding.Packet(2, undefined, () => {}), ['close']],
    Stream: [() => {
      const { listener, held } = nativePair();
      const stream = new binding.Stream(held);
      assert.strictEqual(held.get(), -1);
      assert.throws(() => new binding.Stream(held), { code: 'ERR_INVALID_ARG_VALUE' });
      return Object.assign(stream, { atEnd: () => listener.close() });
    }, ['close'], ['takeFd']],
  },
};

for (const [title, module] of Object.entries(modules)) {
  test(`the methods of what ${title} has open, and of what is closed`, async () => {
    await collected();
    const before = nDescriptors();
    for (const [name] of constructors(module)) {
      if (name === 'Dispatcher') continue; // undici's
      const [make, ends, never = []] = subjects[title][name] ?? assert.fail(`${name} is not in the list`);
      for (let round = 0; round < 20; round++) {
        const object = await make(round);
        await torment(object, [...emitter, ...never, ...(round % 2 ? ends : [])], 200);
        for (const end of ['destroy', 'close', 'cancel']) await attempt(() => object[end]?.(), name);
        await torment(object, [...emitter, ...never], 100);
        await object.atEnd?.();
      }
    }
    await until(async () => {
      await collected(); // what openPeerPidfd() gave was forgotten
      return nDescriptors() <= before + 3;
    }, 'the descriptors');
  });
}
