// SPDX-License-Identifier: MIT
// What programs that use node-unix-socket rely on: the same tests for it and for what we have in its place.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { describe, test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { directory: root, turns, until } = require('./support');

// A directory that nobody else uses.
function directory() {
  return fs.mkdtempSync(path.join(root, 'd'));
}

const ours = require.resolve('sunpath/node-unix-socket');

function run(which) {
  const { DgramSocket, SeqpacketServer, SeqpacketSocket, createReuseportFd, closeFd } = require(which);

  // A server with one connection: { place, server, client, socket }, closed after the test.
  async function pair(t) {
    const place = path.join(directory(), 's');
    const server = new SeqpacketServer();
    const client = new SeqpacketSocket();
    server.listen(place);
    const connection = once(server, 'connection');
    client.connect(place);
    await once(client, 'connect');
    const [socket] = await connection;
    t.after(() => {
      server.close();
      client.destroy();
      socket.destroy();
    });
    return { place, server, client, socket };
  }

  function messages(socket) {
    const list = [];
    socket.on('data', (data) => list.push(data));
    return list;
  }

  // A dgram socket that is closed after the test.
  function dgram(t, place) {
    const socket = new DgramSocket();
    if (place) socket.bind(place);
    t.after(() => socket.close());
    return socket;
  }

  function send(socket, data, place) {
    return new Promise((resolve, reject) => {
      socket.sendTo(data, 0, data.length, place, (error) => (error ? reject(error) : resolve()));
    });
  }

  test('its exports', () => {
    assert.deepStrictEqual(Object.keys(require(which)).sort(),
      ['DgramSocket', 'SeqpacketServer', 'SeqpacketSocket', 'closeFd', 'createReuseportFd']);
  });

  describe('SeqpacketServer', () => {
    test('listens and closes at once, and leaves the file', (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      const events = [];
      server.on('close', () => events.push('close'));
      assert.strictEqual(server.listen(place), undefined);
      assert.ok(fs.statSync(place).isSocket());
      assert.strictEqual(fs.statSync(place).mode & 0o777, 0o777 & ~process.umask());
      assert.strictEqual(server.address(), place);
      assert.strictEqual(server.close(), undefined);
      assert.deepStrictEqual(events, ['close'], 'inside close()');
      server.close();
      assert.deepStrictEqual(events, ['close'], 'once');
      assert.ok(fs.existsSync(place));
      assert.throws(() => server.address(), { message: 'SeqpacketServer has been closed' });
      assert.throws(() => server.listen(place), { message: 'SeqpacketServer has been closed' });
    });

    test('throws when it cannot listen', (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      const second = new SeqpacketServer();
      t.after(() => [server, second].forEach((each) => each.close()));
      server.listen(place);
      assert.throws(() => second.listen(place), { message: 'Address already in use' });
      assert.throws(() => second.listen(`${place}/x`), { message: 'Not a directory' });
      assert.throws(() => second.listen(`${place}-/x`), { message: 'No such file or directory' });
      assert.throws(() => second.listen('x'.repeat(108)), { message: 'path to bind is too long' });
      assert.throws(() => server.listen(`${place}2`), Error, 'twice');
    });

    test('its path may have 107 bytes', (t) => {
      const base = directory();
      const place = path.join(base, 'x'.repeat(107 - base.length - 1));
      const server = new SeqpacketServer();
      t.after(() => server.close());
      server.listen(place);
      assert.strictEqual(server.address(), place);
    });

    test('a connection comes with the name of its peer, which has none', async (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      server.listen(place);
      const client = new SeqpacketSocket();
      client.connect(place);
      const [socket, name] = await once(server, 'connection');
      assert.ok(socket instanceof SeqpacketSocket);
      assert.strictEqual(name, '');
      server.close();
      const answer = once(client, 'data');
      socket.write(Buffer.from('still here'));
      assert.strictEqual(String((await answer)[0]), 'still here', 'connections outlive their server');
      client.destroy();
      socket.destroy();
    });

    test('ref and unref return nothing', (t) => {
      const server = new SeqpacketServer();
      t.after(() => server.close());
      assert.strictEqual(server.unref(), undefined);
      assert.strictEqual(server.ref(), undefined);
    });
  });

  describe('SeqpacketSocket', () => {
    test('"connect" comes before the callback, both after connect()', async (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      server.listen(place);
      const client = new SeqpacketSocket();
      const events = [];
      client.on('connect', () => events.push('connect'));
      assert.strictEqual(client.connect(place, () => events.push('callback')), undefined);
      assert.deepStrictEqual(events, []);
      await until(() => events.length === 2);
      assert.deepStrictEqual(events, ['connect', 'callback']);
      client.destroy();
      server.close();
    });

    test('connect() that cannot succeed closes and throws', (t) => {
      const place = path.join(directory(), 's');
      const client = new SeqpacketSocket();
      const events = [];
      client.on('close', () => events.push(client._state()));
      assert.strictEqual(client._state(), 1);
      assert.throws(() => client.connect(place), Error);
      assert.deepStrictEqual(events, [5]);
      client.destroy();
      client.close();
      assert.deepStrictEqual(events, [5]);
      assert.throws(() => client.connect(place), { message: 'SeqpacketSocket has been destroyed' });
    });

    test('a path that is too long throws and closes nothing', (t) => {
      const client = new SeqpacketSocket();
      t.after(() => client.destroy());
      assert.throws(() => client.connect('x'.repeat(108)), { message: 'path to bind is too long' });
      assert.strictEqual(client._state(), 1);
    });

    test('a server that closes before it accepts is an error with EBADF in it', async (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      server.listen(place);
      const client = new SeqpacketSocket();
      const events = [];
      client.on('close', () => events.push('close'));
      client.on('error', (error) => events.push(error.message));
      client.connect(place);
      server.close();
      await until(() => events.length === 2);
      assert.match(events[0], /EBADF/);
      assert.strictEqual(events[1], 'close');
    });

    test('messages keep their order and their bounds, both ways', async (t) => {
      const { client, socket } = await pair(t);
      const sent = Array.from({ length: 300 }, (_, i) => Buffer.alloc(1 + (i * 7919) % 5000, i));
      const there = messages(socket);
      const back = messages(client);
      for (const each of sent) client.write(each);
      await until(() => there.length === sent.length);
      assert.deepStrictEqual(there, sent);
      for (const each of sent) socket.write(each);
      await until(() => back.length === sent.length);
      assert.deepStrictEqual(back, sent);
    });

    test('a slice, the whole, and bytes of zero', async (t) => {
      const { client, socket } = await pair(t);
      const got = messages(socket);
      client.write(Buffer.from('hello, world'), 7, 5);
      client.write(Buffer.from('whole'));
      client.write(Buffer.alloc(1024));
      await until(() => got.length === 3);
      assert.deepStrictEqual(got, [Buffer.from('world'), Buffer.from('whole'), Buffer.alloc(1024)]);
    });

    test('write() takes a copy', async (t) => {
      const { client, socket } = await pair(t);
      const got = messages(socket);
      const data = Buffer.alloc(50_000, 'a');
      for (let i = 0; i < 100; i++) client.write(data);
      data.fill('b');
      await until(() => got.length === 100);
      assert.ok(got.every((each) => each.equals(Buffer.alloc(50_000, 'a'))));
    });

    test('the callback comes inside write() when the kernel takes it at once, without arguments', async (t) => {
      const { client } = await pair(t);
      const calls = [];
      assert.strictEqual(client.write(Buffer.from('x'), 0, 1, (...args) => calls.push(args)), undefined);
      assert.deepStrictEqual(calls, [[]]);
    });

    test('"end" does not close: the other half goes on', async (t) => {
      const { client, socket } = await pair(t);
      const events = [];
      socket.on('end', () => events.push('end'));
      socket.on('close', () => events.push('close'));
      client.end();
      await until(() => events.length > 0);
      await turns(5);
      assert.deepStrictEqual(events, ['end']);
      const got = once(client, 'data');
      socket.write(Buffer.from('late'));
      assert.strictEqual(String((await got)[0]), 'late');
      socket.end();
      assert.deepStrictEqual(events, ['end', 'close']);
    });

    test('both halves ended: both sockets close', async (t) => {
      const { client, socket } = await pair(t);
      const closed = Promise.all([once(client, 'close'), once(socket, 'close')]);
      client.write(Buffer.alloc(64 * 1024));
      client.end();
      socket.write(Buffer.alloc(64 * 1024));
      socket.end();
      await closed;
      assert.strictEqual(client._state(), 5);
    });

    test('end() is done inside the call when nothing is queued: callback, "_shutdown", state 3', async (t) => {
      const { client } = await pair(t);
      const events = [];
      client.on('_shutdown', () => events.push(`_shutdown ${client._state()}`));
      assert.strictEqual(client.end((...args) => events.push(args)), undefined);
      assert.deepStrictEqual(events, [[], '_shutdown 3']);
      assert.throws(() => client.write(Buffer.from('x')), { message: 'socket has been shutdown' });
    });

    test('end() comes behind what is queued', async (t) => {
      const { client, socket } = await pair(t);
      const sent = 200;
      let n = 0;
      for (let i = 0; i < sent; i++) client.write(Buffer.alloc(10_000));
      client.end();
      assert.strictEqual(client._state(), 2);
      socket.on('data', () => n++);
      await once(socket, 'end');
      assert.strictEqual(n, sent);
      assert.strictEqual(client._state(), 3);
    });

    test('destroy(): "close" inside the call, once; then nothing works', async (t) => {
      const { client } = await pair(t);
      let n = 0;
      client.on('close', () => n++);
      assert.strictEqual(client.destroy(), undefined);
      assert.strictEqual(n, 1);
      client.destroy();
      client.close();
      assert.strictEqual(n, 1);
      assert.strictEqual(client._state(), 5);
      assert.throws(() => client.write(Buffer.from('x')), { message: 'SeqpacketSocket has been destroyed' });
    });

    // node-unix-socket ends the process in "data"
    test('destroy() in "connect", "data" and "end"', { skip: which !== ours }, async (t) => {
      const place = path.join(directory(), 's');
      const server = new SeqpacketServer();
      t.after(() => server.close());
      server.listen(place);
      for (const event of ['connect', 'data', 'end']) {
        const connection = once(server, 'connection');
        const client = new SeqpacketSocket();
        const closed = once(client, 'close');
        client.on(event, () => client.destroy());
        client.connect(place);
        const [socket] = await connection;
        if (event !== 'connect') {
          socket.write(Buffer.from('one'));
          socket.write(Buffer.from('two'));
          socket.end();
        }
        await closed;
        socket.destroy();
      }
    });

    test('writing to a peer that is gone: "error", "close", and no callback', async (t) => {
      const { client, socket } = await pair(t);
      const events = [];
      client.on('error', (error) => events.push(error instanceof Error));
      client.on('close', () => events.push('close'));
      socket.destroy();
      client.write(Buffer.alloc(10), 0, 10, () => events.push('callback'));
      assert.deepStrictEqual(events, [], 'not inside write()');
      await until(() => events.length === 2);
      assert.deepStrictEqual(events, [true, 'close']);
    });

    test('a packet over the limit is an error that closes', async (t) => {
      const { client } = await pair(t);
      const events = [];
      client.on('error', (error) => events.push(error.message));
      client.on('close', () => events.push('close'));
      client.write(Buffer.alloc(4 * 1024 * 1024));
      await until(() => events.length === 2);
      assert.deepStrictEqual(events, ['Message too long', 'close']);
    });

    test('longer packets are cut to the size of the read buffer', async (t) => {
      const { client, socket } = await pair(t);
      assert.strictEqual(socket.getInternalReadBufferSize(), 256 * 1024);
      socket.setInternalReadBufferSize(1000);
      assert.strictEqual(socket.getInternalReadBufferSize(), 1000);
      const got = messages(socket);
      client.write(Buffer.alloc(5000, 'x'));
      client.write(Buffer.from('next'));
      await until(() => got.length === 2);
      assert.deepStrictEqual(got, [Buffer.alloc(1000, 'x'), Buffer.from('next')]);
    });

    test('what arrives while nobody listens is lost', async (t) => {
      const { client, socket } = await pair(t);
      client.write(Buffer.from('lost'));
      await turns(10);
      const got = messages(socket);
      client.write(Buffer.from('found'));
      await until(() => got.length > 0);
      assert.deepStrictEqual(got, [Buffer.from('found')]);
    });

    test('it takes strings for nothing', async (t) => {
      const { client } = await pair(t);
      assert.throws(() => client.write('text'), Error);
    });
  });

  describe('DgramSocket', () => {
    test('a message, and who sent it', async (t) => {
      const base = directory();
      const server = dgram(t, `${base}/server`);
      const client = dgram(t, `${base}/client`);
      const nameless = dgram(t);
      const got = [];
      server.on('data', (data, name) => got.push([String(data), name]));
      await send(client, Buffer.from('one'), `${base}/server`);
      await send(nameless, Buffer.from('two'), `${base}/server`);
      await until(() => got.length === 2);
      assert.deepStrictEqual(got, [['one', `${base}/client`], ['two', '']]);
    });

    test('address(): nothing, the path, and an error after close()', (t) => {
      const place = path.join(directory(), 's');
      const socket = dgram(t);
      assert.strictEqual(socket.address(), '');
      socket.bind(place);
      assert.strictEqual(socket.address(), place);
      socket.close();
      assert.throws(() => socket.address(), Error);
      assert.ok(fs.existsSync(place), 'the file stays');
    });

    test('bind() throws', (t) => {
      const place = path.join(directory(), 's');
      dgram(t, place);
      const socket = dgram(t);
      assert.throws(() => socket.bind(place), { message: 'Address already in use' });
      assert.throws(() => socket.bind('x'.repeat(108)), { message: 'path to bind is too long' });
      assert.throws(() => socket.bind(`${place}-/x`), { message: 'No such file or directory' });
    });

    test('the callback comes inside sendTo(), without arguments or with the error', (t) => {
      const base = directory();
      dgram(t, `${base}/s`);
      const client = dgram(t);
      const calls = [];
      client.sendTo(Buffer.from('x'), 0, 1, `${base}/s`, (...args) => calls.push(args));
      assert.deepStrictEqual(calls, [[]]);
      client.sendTo(Buffer.from('x'), 0, 1, `${base}/none`, (error) => calls.push(error.message));
      assert.strictEqual(calls[1], 'No such file or directory');
      client.sendTo(Buffer.from('x'), 0, 1, `${base}/none`); // nobody wants to know
    });

    test('the answer to somebody without a name fails, and throws nothing', (t) => {
      const client = dgram(t);
      const errors = [];
      client.sendTo(Buffer.from('x'), 0, 1, '', (error) => errors.push(error.message));
      client.sendTo(Buffer.from('x'), 0, 1, '');
      assert.deepStrictEqual(errors, ['Connection refused']);
    });

    test('a thousand messages to one who takes ten', async (t) => {
      const place = path.join(directory(), 's');
      const server = dgram(t, place);
      const client = dgram(t);
      const got = [];
      server.on('data', (data) => got.push(data.readUInt32LE()));
      const sent = Array.from({ length: 1000 }, (_, i) => {
        const data = Buffer.alloc(4);
        data.writeUInt32LE(i);
        return send(client, data, place);
      });
      await Promise.all(sent);
      await until(() => got.length === 1000);
      assert.deepStrictEqual(got, Array.from({ length: 1000 }, (_, i) => i));
    });

    test('an empty message is one', async (t) => {
      const place = path.join(directory(), 's');
      const server = dgram(t, place);
      const client = dgram(t);
      const got = messages(server);
      await send(client, Buffer.alloc(0), place);
      await send(client, Buffer.from('x'), place);
      await until(() => got.length === 2);
      assert.deepStrictEqual(got, [Buffer.alloc(0), Buffer.from('x')]);
    });

    test('a message over the limit fails, and the socket goes on', async (t) => {
      const place = path.join(directory(), 's');
      const server = dgram(t, place);
      const client = dgram(t);
      await assert.rejects(send(client, Buffer.alloc(1024 * 1024), place), { message: 'Message too long' });
      const got = messages(server);
      await send(client, Buffer.from('x'), place);
      await until(() => got.length === 1);
    });

    test('buffers have the double of what was asked for', (t) => {
      const socket = dgram(t);
      socket.setRecvBufferSize(10_000);
      socket.setSendBufferSize(12_000);
      assert.strictEqual(socket.getRecvBufferSize(), 20_000);
      assert.strictEqual(socket.getSendBufferSize(), 24_000);
      socket.close();
      assert.throws(() => socket.getRecvBufferSize(), Error);
      assert.throws(() => socket.setSendBufferSize(1), Error);
    });

    test('close(): "close" inside the call, once; then nothing works', (t) => {
      const socket = dgram(t);
      let n = 0;
      socket.on('close', () => n++);
      socket.close();
      socket.close();
      assert.strictEqual(n, 1);
      assert.throws(() => socket.bind('/x'), { message: 'DgramSocket has been closed' });
      assert.throws(() => socket.sendTo(Buffer.from('x'), 0, 1, '/x'), { message: 'DgramSocket has been closed' });
    });

    test('close() in "data", and with the file gone', async (t) => {
      const place = path.join(directory(), 's');
      const server = dgram(t, place);
      const client = dgram(t);
      const closed = once(server, 'close');
      server.on('data', () => server.close());
      await send(client, Buffer.from('x'), place);
      await send(client, Buffer.from('y'), place);
      await closed;
      fs.unlinkSync(place);
      const second = dgram(t, place);
      const got = once(second, 'data');
      await send(client, Buffer.from('z'), place);
      await got;
    });

    test('a worker that has one can be terminated', async (t) => {
      const place = path.join(directory(), 's');
      const worker = new Worker(`
        const { DgramSocket } = require(${JSON.stringify(which)});
        const socket = new DgramSocket('what it is given does not matter');
        socket.bind(${JSON.stringify(place)});
        require('node:worker_threads').parentPort.postMessage('bound');`, { eval: true });
      await once(worker, 'message');
      await worker.terminate();
    });
  });

  describe('createReuseportFd and closeFd', () => {
    test('several servers share a port', async (t) => {
      const servers = [];
      let port = 0;
      for (let i = 0; i < 3; i++) {
        const server = net.createServer((socket) => socket.end());
        servers.push(server);
        t.after(() => server.close());
        await new Promise((resolve) => server.listen({ fd: createReuseportFd(port) }, resolve));
        ({ port } = server.address());
      }
      assert.ok(servers.every((server) => server.address().port === port));
      const client = net.connect(port, '127.0.0.1');
      client.resume();
      await once(client, 'end');
    });

    test('of IPv6', async (t) => {
      const server = net.createServer();
      t.after(() => server.close());
      await new Promise((resolve) => server.listen({ fd: createReuseportFd(0, '::1') }, resolve));
      assert.strictEqual(server.address().address, '::1');
    });

    test('a host must be a number', () => {
      assert.throws(() => createReuseportFd(0, 'localhost'), { message: 'invalid host' });
      assert.throws(() => createReuseportFd(0, ''), { message: 'invalid host' });
    });

    test('closeFd', () => {
      const fd = createReuseportFd();
      assert.strictEqual(closeFd(fd), undefined);
      assert.throws(() => closeFd(fd), { message: 'Bad file number' });
    });
  });
}

describe('sunpath/node-unix-socket', () => run(ours));
describe('node-unix-socket', () => run('node-unix-socket'));
