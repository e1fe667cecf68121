// SPDX-License-Identifier: MIT
// The faults that node-unix-socket 0.2.7 has and what is in its place has not.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { once } = require('node:events');
const { spawnSync } = require('node:child_process');
const { describe, test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { nDescriptors, printed, python, socketPath, turns, uncaught, until } = require('./support');

const packet = require('../lib/packet');
const module_ = require.resolve('sunpath/node-unix-socket');
const { DgramSocket, SeqpacketServer, SeqpacketSocket, createReuseportFd, closeFd } = require(module_);

// A server with one connection, closed after the test.
async function pair(t, options) {
  const place = socketPath();
  const server = new SeqpacketServer(options);
  const client = new SeqpacketSocket(undefined, options);
  server.listen(place);
  const connection = once(server, 'connection');
  client.connect(place);
  await once(client, 'connect');
  const [socket] = await connection;
  t.after(() => [server, client, socket].forEach(each => each.close()));
  return { place, server, client, socket };
}

function dgram(t, place, options) {
  const socket = new DgramSocket(options);
  if (place) socket.bind(place);
  t.after(() => socket.close());
  return socket;
}

function messages(socket) {
  const list = [];
  socket.on('data', data => list.push(data));
  return list;
}

// As many packets as the kernel takes, and `n` more; returns how many were taken inside write().
function fill(socket, n, cb) {
  let taken = 0;
  let isFull = false;
  for (let i = 0, left = n; left > 0; i++) {
    let isTaken = false;
    socket.write(Buffer.alloc(1000), 0, 1000, (...args) => {
      isTaken = true;
      cb(i, ...args);
    });
    if (isTaken) taken++;
    else isFull = true;
    if (isFull) left--;
  }
  return taken;
}

const bad = { offset: [-1, 6, 1.5, NaN, Infinity, 2 ** 40], length: [-1, 6, 1.5, NaN, Infinity, 2 ** 40] };

describe('what is sent', () => {
  test('1: sendTo() sends the slice', async t => {
    const place = socketPath();
    const got = messages(dgram(t, place));
    dgram(t).sendTo(Buffer.from('0123456789'), 2, 3, place);
    await until(() => got.length > 0);
    assert.strictEqual(String(got[0]), '234');
  });

  test('2: an offset or length out of range throws', async t => {
    const { client, socket } = await pair(t);
    const got = messages(socket);
    const datagrams = dgram(t);
    const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
    for (const offset of bad.offset) {
      assert.throws(() => client.write(Buffer.from('hello'), offset, 0), range);
      assert.throws(() => datagrams.sendTo(Buffer.from('hello'), offset, 0, '/x'), range);
    }
    for (const length of bad.length) {
      assert.throws(() => client.write(Buffer.from('hello'), 0, length), range);
      assert.throws(() => datagrams.sendTo(Buffer.from('hello'), 0, length, '/x'), range);
    }
    assert.throws(() => client.write(Buffer.from('hello'), 3, 3), range);
    client.write(Buffer.from('hello'), 5, 0);
    await until(() => got.length > 0);
    assert.deepStrictEqual(got, [Buffer.alloc(0)], 'and nothing was sent before');
  });

  test('3: write(buffer, offset) sends the rest', async t => {
    const { client, socket } = await pair(t);
    const got = messages(socket);
    client.write(Buffer.from('hello'), 2);
    await until(() => got.length > 0);
    assert.strictEqual(String(got[0]), 'llo');
  });

  test('4: a length of 0 sends an empty packet', async t => {
    const { client, socket } = await pair(t);
    const got = messages(socket);
    client.write(Buffer.from('hello'), 0, 0);
    await until(() => got.length > 0);
    assert.strictEqual(got[0].length, 0);
  });

  test('5: a datagram socket with a queue goes on receiving, and does not spin', async t => {
    const base = socketPath();
    const busy = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
sys.stdin.readline()
n = 0
while n < 100:
    assert s.recv(100) == b'%d' % n
    n += 1
print('all', flush=True)`, base);
    await printed(busy, 'bound');
    let nEvents = 0;
    const { open } = packet;
    packet.open = (type, fd, deliver) => open(type, fd, events => deliver(events, nEvents++));
    t.after(() => { packet.open = open; });
    const socket = dgram(t, `${base}.own`);
    const got = messages(socket);
    let nSent = 0;
    for (let i = 0; i < 100; i++) {
      socket.sendTo(Buffer.from(String(i)), 0, String(i).length, base, error => {
        assert.strictEqual(error, undefined);
        nSent++;
      });
    }
    assert.ok(nSent < 100, 'its queue is full');
    dgram(t).sendTo(Buffer.from('in'), 0, 2, `${base}.own`);
    await until(() => got.length > 0);
    const before = nEvents;
    await turns(1000); // each asks the kernel what is ready
    assert.ok(nEvents - before < 10, `${nEvents - before} events in 1,000 turns while it waits`);
    busy.stdin.write('\n');
    await printed(busy, 'all');
    assert.strictEqual(nSent, 100);
  });

  test('6: callbacks come in the order of the writes', async t => {
    const { client, socket } = await pair(t);
    const order = [];
    const nQueued = 2000;
    const nTaken = fill(client, nQueued, i => order.push(i));
    messages(socket);
    await until(() => order.length === nTaken + nQueued - 1 || order.length === nTaken + nQueued);
    await turns(10);
    assert.deepStrictEqual(order, Array.from(order, (_, i) => i));
  });

  test('7: with { settle: true } each callback is called, with the error', async t => {
    const { client } = await pair(t, { settle: true });
    const calls = [];
    const nTaken = fill(client, 1000, (i, error) => calls.push([i, error]));
    client.destroy();
    assert.deepStrictEqual(calls.map(([i]) => i), calls.map((_, i) => i));
    assert.ok(calls.length >= nTaken + 1000);
    for (const [i, error] of calls) assert.strictEqual(error?.code, i < nTaken ? undefined : 'ECANCELED');

    const place = socketPath();
    dgram(t, place);
    const datagrams = dgram(t, undefined, { settle: true });
    const codes = [];
    for (let i = 0; i < 50; i++) datagrams.sendTo(Buffer.from('x'), 0, 1, place, error => codes.push(error?.code));
    datagrams.close();
    assert.strictEqual(codes.length, 50);
    assert.strictEqual(codes.at(-1), 'ECANCELED');
  });

  test('7: without it they are dropped, as ever', async t => {
    const { client } = await pair(t);
    let n = 0;
    const nTaken = fill(client, 10, () => n++);
    client.destroy();
    await turns(5);
    assert.strictEqual(n, nTaken);
  });
});

describe('descriptors', () => {
  test('8: none leaks into a child', async t => {
    await pair(t);
    dgram(t, socketPath());
    const fd = createReuseportFd(0, '127.0.0.1');
    t.after(() => closeFd(fd));
    const own = new Set(fs.readdirSync('/proc/self/fd').map(each => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${each}`);
      } catch {
        return '';
      }
    }).filter(each => each.startsWith('socket:')));
    const env = { ...process.env, LD_PRELOAD: '' };
    const seen = String(spawnSync('ls', ['-l', '/proc/self/fd'], { env, stdio: ['ignore', 'pipe', 'ignore'] }).stdout);
    assert.ok(own.size >= 5);
    for (const each of own) {
      assert.ok(!seen.includes(each), `${each} leaked`);
    }
  });

  test('9: 50 workers come and go while the main thread serves', async t => {
    const { server, client, socket, place } = await pair(t);
    socket.on('data', data => socket.write(data));
    server.on('connection', other => other.on('data', data => other.write(data)));
    let n = 0;
    client.on('data', data => {
      n++;
      client.write(data);
    });
    client.write(Buffer.from('ping'));
    const work = `
      const { DgramSocket, SeqpacketServer, SeqpacketSocket } = require(${JSON.stringify(module_)});
      const { parentPort, workerData } = require('node:worker_threads');
      const socket = new DgramSocket();
      socket.bind(workerData.own + '.dgram');
      const server = new SeqpacketServer();
      server.listen(workerData.own);
      const client = new SeqpacketSocket();
      client.on('data', () => parentPort.postMessage('answered'));
      client.connect(workerData.place, () => client.write(Buffer.from('x')));`;
    for (let i = 0; i < 10; i++) {
      const before = n;
      const workers = Array.from({ length: 5 }, () => new Worker(work, { eval: true, workerData: { place, own: socketPath() } }));
      await Promise.all(workers.map(worker => once(worker, 'message')));
      await Promise.all(workers.map(worker => worker.terminate()));
      await until(() => n > before);
    }
    const late = new SeqpacketSocket();
    t.after(() => late.close());
    late.connect(place, () => late.write(Buffer.from('late')));
    assert.strictEqual(String((await once(late, 'data'))[0]), 'late');
  });

  test('18: sockets that are forgotten are closed', async () => {
    const before = nDescriptors();
    for (let i = 0; i < 1000; i++) {
      new SeqpacketSocket();
      new DgramSocket();
      new SeqpacketServer();
    }
    assert.ok(nDescriptors() >= before + 3000);
    await until(() => {
      global.gc();
      return nDescriptors() <= before + 3; // the loop's own
    }, 'the collector');
  });

  test('18: sockets that something may still happen to are not', async t => {
    const { client } = await pair(t);
    const place = socketPath();
    let got = 0;
    (function forgetful() {
      const datagrams = new DgramSocket();
      datagrams.bind(place);
      datagrams.on('data', () => {
        got++;
        datagrams.close();
      });
      const server = new SeqpacketServer();
      server.listen(`${place}.server`);
      server.on('connection', socket => socket.on('data', () => {
        got++;
        socket.end();
        server.close();
      }));
    })();
    for (let i = 0; i < 5; i++) {
      global.gc();
      await turns(3);
    }
    dgram(t).sendTo(Buffer.from('x'), 0, 1, place);
    const other = new SeqpacketSocket();
    other.connect(`${place}.server`, () => other.write(Buffer.from('x')));
    await once(other, 'end');
    other.close();
    await until(() => got === 2);
    assert.ok(client);
  });

  test('20: end() after destroy() touches no descriptor', async t => {
    const { client, socket } = await pair(t);
    const fresh = await pair(t);
    client.destroy();
    const got = messages(fresh.socket);
    assert.throws(() => client.end(), { message: 'SeqpacketSocket has been destroyed', code: 'ERR_STREAM_DESTROYED' });
    fresh.client.write(Buffer.from('x'));
    await until(() => got.length > 0);
    assert.ok(socket);
  });
});

describe('errors', () => {
  test('10: what listeners throw is an uncaughtException, and the socket goes on', async t => {
    const { server, client, socket, place } = await pair(t);
    const got = [];
    socket.on('data', data => {
      got.push(String(data));
      throw new Error(`data ${data}`);
    });
    assert.strictEqual((await uncaught(() => client.write(Buffer.from('1')))).message, 'data 1');
    assert.strictEqual((await uncaught(() => client.write(Buffer.from('2')))).message, 'data 2');
    assert.deepStrictEqual(got, ['1', '2']);

    server.once('connection', () => { throw new Error('connection'); });
    const other = new SeqpacketSocket();
    t.after(() => other.close());
    assert.strictEqual((await uncaught(() => other.connect(place))).message, 'connection');
    const third = new SeqpacketSocket();
    t.after(() => third.close());
    assert.strictEqual((await uncaught(() => third.connect(place, () => { throw new Error('connect'); }))).message, 'connect');

    const inside = uncaught(() => {}); // what the listener of "data" throws of this one
    assert.throws(() => client.write(Buffer.from('3'), 0, 1, () => { throw new Error('inside'); }), { message: 'inside' });
    assert.strictEqual((await inside).message, 'data 3');
  });

  test('10: one callback that throws keeps none of the others from being called', async t => {
    const { client, socket } = await pair(t);
    let n = 0;
    fill(client, 100, () => n++);
    client.write(Buffer.from('x'), 0, 1, () => { throw new Error('thrown'); });
    let isLast = false;
    client.write(Buffer.from('x'), 0, 1, () => { isLast = true; });
    assert.strictEqual((await uncaught(() => messages(socket))).message, 'thrown');
    await until(() => isLast);
    assert.ok(n >= 100);
  });

  test('11 and 12: connect() throws what is wrong', async t => {
    const stale = socketPath();
    const old = new SeqpacketServer();
    old.listen(stale);
    old.close();
    const other = socketPath();
    dgram(t, other);
    const table = [
      [stale, 'ECONNREFUSED', 'Connection refused'],
      [`${stale}-none`, 'ENOENT', 'No such file or directory'],
      [other, 'EPROTOTYPE', 'Protocol wrong type for socket'],
      [`${stale}/x`, 'ENOTDIR', 'Not a directory'],
      ['\0sunpath-nobody-has-this', 'ECONNREFUSED', 'Connection refused'],
      ['', 'ECONNREFUSED', 'Connection refused'],
    ];
    for (const [path, code, message] of table) {
      const client = new SeqpacketSocket();
      assert.throws(() => client.connect(path), error => {
        assert.strictEqual(error.code, code);
        assert.strictEqual(error.message, message);
        assert.strictEqual(error.syscall, 'connect');
        assert.ok(error.errno < 0);
        if (path[0] === '/') assert.strictEqual(error.path, path);
        return error instanceof Error;
      });
    }
    const { client, place } = await pair(t);
    assert.throws(() => client.connect(place), { code: 'EISCONN' });
  });

  test('12: all errors have a code', async t => {
    const place = socketPath();
    const server = new SeqpacketServer();
    server.listen(place);
    t.after(() => server.close());
    assert.throws(() => new SeqpacketServer().listen(place), { code: 'EADDRINUSE', syscall: 'bind', path: place, errno: -98 });
    assert.throws(() => new SeqpacketServer().listen('x'.repeat(200)), { code: 'ENAMETOOLONG' });
    assert.throws(() => new SeqpacketSocket(987), { code: 'EBADF' });
    assert.throws(() => createReuseportFd(0, 'x'), { code: 'ERR_INVALID_IP_ADDRESS', message: 'invalid host' });
    assert.throws(() => createReuseportFd(0, '192.0.2.1'), { code: 'EADDRNOTAVAIL' });
    const errors = [];
    const datagrams = dgram(t);
    datagrams.sendTo(Buffer.from('x'), 0, 1, `${place}-none`, error => errors.push(error));
    assert.strictEqual(errors[0].code, 'ENOENT');
    assert.strictEqual(errors[0].path, `${place}-none`);
  });

  test('13: a reset is a reset', async t => {
    const { client, socket } = await pair(t);
    const errors = [];
    client.on('error', error => errors.push(error));
    socket.setInternalReadBufferSize(10);
    socket.once('data', () => socket.destroy());
    client.write(Buffer.from('read'));
    client.write(Buffer.from('not read'));
    await until(() => errors.length > 0 || client._state() === 5);
    assert.strictEqual(errors[0]?.code, 'ECONNRESET');
    assert.strictEqual(errors[0].syscall, 'read');
  });

  test('17: without an "error" listener the socket is closed, too', async t => {
    const { client, socket } = await pair(t);
    socket.destroy();
    let isClosed = false;
    client.on('close', () => { isClosed = true; });
    const error = await uncaught(() => client.write(Buffer.from('x')));
    assert.strictEqual(error.code, 'EPIPE');
    assert.ok(isClosed);
    assert.strictEqual(client._state(), 5);
  });

  test('19: a full backlog is waited out', async t => {
    const place = socketPath();
    const slow = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen(0)
print('listening', flush=True)
sys.stdin.readline()
held = []
for i in range(4):
    c, _ = s.accept()
    held.append(c)
    print(c.recv(100).decode(), flush=True)
sys.stdin.readline()`, place);
    await printed(slow, 'listening');
    const clients = [];
    let nConnected = 0;
    for (let i = 0; i < 4; i++) {
      const client = new SeqpacketSocket();
      clients.push(client);
      client.connect(place, () => nConnected++);
      client.write(Buffer.from(`client ${i}`));
    }
    await turns(20);
    assert.ok(nConnected < 4);
    slow.stdin.write('\n');
    await until(() => nConnected === 4);
    for (let i = 0; i < 4; i++) await printed(slow, `client ${i}`);
    for (const client of clients) client.destroy();
    slow.stdin.end('\n');
    await slow.ended;
  });

  test('19: a server that goes while its backlog is full is an error', async t => {
    const place = socketPath();
    const server = new SeqpacketServer();
    server.listen(place, 0);
    server.unref();
    const clients = Array.from({ length: 5 }, () => new SeqpacketSocket());
    const errors = [];
    for (const client of clients) {
      client.on('error', error => errors.push(error.code));
      client.connect(place);
    }
    server.close();
    await until(() => errors.length === 5);
    assert.deepStrictEqual([...new Set(errors)].sort(), ['ECONNREFUSED', 'ECONNRESET']);
    assert.ok(clients.every(client => client._state() === 5));
  });
});

describe('what arrives', () => {
  test('14: an empty packet is no end', async t => {
    const place = socketPath();
    const server = new SeqpacketServer();
    t.after(() => server.close());
    server.listen(place);
    const peer = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(b''); s.send(b'x'); s.send(b''); s.send(b'')
s.close()`, place);
    const [socket] = await once(server, 'connection');
    const got = messages(socket);
    await once(socket, 'end');
    socket.end();
    assert.deepStrictEqual(got.map(String), ['', 'x', '', '']);
    await peer.ended;
  });

  test('14: also from the server to a client', async t => {
    const { client, socket } = await pair(t);
    const got = messages(client);
    for (const each of ['', 'x', '']) socket.write(Buffer.from(each));
    socket.end();
    await once(client, 'end');
    assert.deepStrictEqual(got.map(String), ['', 'x', '']);
  });

  test('15: datagrams are whole, and what was cut is told', async t => {
    const place = socketPath();
    const server = dgram(t, place);
    const got = messages(server);
    const client = dgram(t);
    client.sendTo(Buffer.alloc(212_960, 'x'), 0, 212_960, place, error => assert.ifError(error));
    await until(() => got.length === 1);
    assert.strictEqual(got[0].length, 212_960);

    const cut = [];
    server.on('truncated', size => cut.push(size));
    server.setInternalReadBufferSize(100);
    client.sendTo(Buffer.alloc(1000), 0, 1000, place);
    await until(() => got.length === 2);
    assert.deepStrictEqual([got[1].length, cut], [100, [1000]]);
  });

  test('15: packets that were cut are told', async t => {
    const { client, socket } = await pair(t);
    const events = [];
    socket.setInternalReadBufferSize(100);
    socket.on('truncated', size => events.push(size));
    socket.on('data', data => events.push(data));
    client.write(Buffer.alloc(1000));
    client.write(Buffer.alloc(100));
    await until(() => events.length === 3);
    assert.deepStrictEqual(events, [1000, Buffer.alloc(100), Buffer.alloc(100)]);
  });

  test('16: abstract names are exact, and shown', async t => {
    const name = `\0sunpath-test-${process.pid}`;
    const server = new SeqpacketServer();
    t.after(() => server.close());
    server.listen(name);
    assert.strictEqual(server.address(), name);
    const peer = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind('\\0' + sys.argv[1] + '-peer')
s.connect('\\0' + sys.argv[1])
print(s.recv(100).decode(), flush=True)`, name.slice(1));
    const [socket, peerName] = await once(server, 'connection');
    assert.strictEqual(peerName, `${name}-peer`);
    socket.write(Buffer.from('hello'));
    socket.end();
    await printed(peer, 'hello');
    socket.destroy();

    const datagrams = dgram(t, `${name}-dgram`);
    assert.strictEqual(datagrams.address(), `${name}-dgram`);
    const sender = dgram(t, `${name}-sender`);
    sender.sendTo(Buffer.from('x'), 0, 1, `${name}-dgram`);
    assert.strictEqual((await once(datagrams, 'data'))[1], `${name}-sender`);
  });
});

describe('bad arguments', () => {
  const junk = [undefined, null, true, -1, 1.5, NaN, Infinity, 2 ** 53, '', 'x', '\0', 'a\0b', Symbol('x'), 1n, {}, [],
    () => {}, new Date(), Buffer.alloc(0), new Uint16Array(3), new ArrayBuffer(4), new Proxy({}, {})];
  const calls = {
    SeqpacketServer: ['address', 'close', 'listen', 'ref', 'unref'],
    SeqpacketSocket: ['connect', 'write', 'end', 'getInternalReadBufferSize', 'setInternalReadBufferSize', 'ref', 'unref',
      'destroy', 'close', '_state'],
    DgramSocket: ['bind', 'sendTo', 'getRecvBufferSize', 'setRecvBufferSize', 'getSendBufferSize', 'setSendBufferSize',
      'address', 'ref', 'unref', 'close', 'getInternalReadBufferSize', 'setInternalReadBufferSize'],
  };
  const classes = { SeqpacketServer, SeqpacketSocket, DgramSocket };

  // Node's errors, the system's, or ours by their message: nothing else is thrown.
  function attempt(fn, what) {
    try {
      fn();
    } catch (error) {
      assert.match(String(error.code), /^E[A-Z0-9_]+$/, `${what}: ${error.stack}`);
    }
  }

  test('never end the process', () => {
    let seed = 1;
    const random = n => (seed = (seed * 48271) % 2147483647) % n;
    const cwd = process.cwd();
    process.chdir(require('node:path').dirname(socketPath()));
    for (const [name, methods] of Object.entries(calls)) {
      for (const method of methods) {
        for (let i = 0; i < 300; i++) {
          const args = Array.from({ length: random(6) }, () => junk[random(junk.length)]);
          const object = new classes[name]();
          object.on('error', () => {});
          attempt(() => object[method](...args), `${name}.${method}`);
          attempt(() => object.close(), name);
          attempt(() => object[method](...args), `${name}.${method} after close`);
        }
      }
    }
    for (let i = 0; i < 300; i++) {
      const args = Array.from({ length: random(4) }, () => junk[random(junk.length)]);
      attempt(() => closeFd(...args.filter(each => typeof each !== 'number')), 'closeFd');
      attempt(() => closeFd(createReuseportFd(...args)), 'createReuseportFd');
      attempt(() => new SeqpacketSocket(...args).close(), 'new SeqpacketSocket');
      attempt(() => new DgramSocket(...args).close(), 'new DgramSocket');
      attempt(() => new SeqpacketServer(...args).close(), 'new SeqpacketServer');
    }
    process.chdir(cwd);
  });

  test('have Node\'s errors', t => {
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    const socket = new SeqpacketSocket();
    t.after(() => socket.close());
    assert.throws(() => socket.write('text'), type);
    assert.throws(() => socket.write(Buffer.from('x'), 0, 1, 'cb'), type);
    assert.throws(() => socket.connect(1), type);
    assert.throws(() => dgram(t).sendTo(Buffer.from('x'), 0, 1, undefined), type);
    assert.throws(() => createReuseportFd(70000), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => createReuseportFd('80'), type);
    assert.throws(() => new SeqpacketServer().listen('a\0b'), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' });
  });
});
