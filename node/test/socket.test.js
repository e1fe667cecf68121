// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const { Duplex, finished, pipeline, Readable, Writable } = require('node:stream');
const { pipeline: pipelineDone } = require('node:stream/promises');
const { test } = require('node:test');
const sunpath = require('..');
const { atRest, collect, printed, python, socketPath, start, uncaught, until } = require('./support');

// A server of ours and a client of ours, connected; both close with the test.
async function pair(t, options = {}, clientOptions = options) {
  const path = socketPath();
  const server = await sunpath.listen(path, options);
  const arrived = once(server, 'connection');
  const client = await sunpath.connect(path, clientOptions);
  const [conn] = await arrived;
  t.after(async () => {
    client.destroy();
    conn.destroy();
    await server.close();
  });
  return { server, client, conn, path };
}

const silent = stream => stream.on('error', () => {});

test('it is a Duplex that echoes, and counts', async t => {
  const { client, conn } = await pair(t);
  assert(client instanceof Duplex && client instanceof sunpath.Socket);
  assert.strictEqual(client.readyState, 'open');
  assert.strictEqual(client.connecting, false);
  assert(client.fd > 2);
  conn.pipe(conn);
  client.setEncoding('utf8');
  client.end('hällo');
  let text = '';
  for await (const piece of client) text += piece;
  assert.strictEqual(text, 'hällo');
  assert.strictEqual(client.bytesRead, 6);
  assert.strictEqual(client.bytesWritten, 6);
  assert.strictEqual(conn.bytesRead, 6);
  assert.strictEqual(conn.bytesWritten, 6);
});

test('socat talks to a server of ours', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, conn => conn.pipe(conn));
  const socat = start('socat', '-t5', '-', `UNIX-CONNECT:${path}`);
  socat.stdin.end('through socat\n');
  assert.strictEqual(await socat.ended, 0);
  assert.strictEqual(socat.output, 'through socat\n');
  await server.close();
});

test("a client of ours talks to Node's own server, and the other way round", async () => {
  const path = socketPath();
  const server = net.createServer(conn => conn.pipe(conn)).listen(path);
  await once(server, 'listening');
  const client = await sunpath.connect(path);
  client.end('to net');
  assert.strictEqual(String(await collect(client)), 'to net');
  server.close();
  const ours = await sunpath.listen(path, conn => conn.pipe(conn));
  const theirs = net.connect(path);
  theirs.end('from net');
  assert.strictEqual(String(await collect(theirs)), 'from net');
  await ours.close();
});

for (const size of [1, 16384, 65536, 65537, 1000000, 30000000]) {
  test(`${size} bytes in one write arrive as they were`, async t => {
    const { client, conn } = await pair(t);
    const data = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz012345');
    let called = 0;
    client.write(data, () => called++);
    client.end();
    assert(data.equals(await collect(conn)));
    await until(() => called === 1, 'the callback');
    assert.strictEqual(client.bytesWritten, size);
  });
}

test('writes of all kinds arrive in their order', async t => {
  const { client, conn } = await pair(t);
  const expected = [];
  const order = [];
  let n = 0;
  for (let i = 0; i < 3000; i++) {
    const text = `${i},`.repeat(1 + (i % 97) * (i % 13 === 0 ? 300 : 1));
    expected.push(text);
    const called = () => { order.push(i); n++; };
    if (i % 7 === 0) client.cork();
    if (i % 3 === 0) client.write(text, called);
    else if (i % 3 === 1) client.write(Buffer.from(text), called);
    else client.write(new Uint8Array(Buffer.from(text)), called);
    if (i % 7 === 3) client.uncork();
    if (i % 500 === 499) await new Promise(setImmediate);
  }
  while (client.writableCorked) client.uncork();
  client.end();
  assert.strictEqual(String(await collect(conn)), expected.join(''));
  await until(() => n === 3000, 'all callbacks');
  assert.deepStrictEqual(order, order.map((_, i) => i));
});

test('callbacks of small and large answers keep their order inside a data listener', async t => {
  const { client, conn } = await pair(t);
  const order = [];
  const sizes = [10, 20000, 10, 100000, 1, 70000, 300000, 5, 0, 65536, 3];
  conn.on('data', () => sizes.forEach((size, i) => conn.write(Buffer.alloc(size), () => order.push(i))));
  client.resume();
  client.write('go');
  await until(() => order.length === sizes.length, 'all callbacks');
  assert.deepStrictEqual(order, order.map((_, i) => i));
});

test('a callback that throws keeps none of the others from being called', async () => {
  const child = start(process.execPath, '-e', `
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    let n = 0;
    process.on('uncaughtException', () => {});
    sunpath.listen(process.argv[1], conn => {
      conn.on('data', () => {
        for (let i = 0; i < 20; i++) conn.write(Buffer.alloc(i * 1000), () => { n++; if (i % 3 === 0) throw new Error('x'); });
      }).on('end', () => { console.log('called', n); process.exit(); });
    }).then(async () => {
      const client = await sunpath.connect(process.argv[1]);
      let size = 0;
      client.on('data', data => { size += data.length; if (size === 190000) setImmediate(() => client.end()); });
      client.write('go');
    });`, socketPath());
  await child.ended;
  assert.strictEqual(child.output, 'called 20\n');
});

test('a callback is called when the kernel has the bytes, and not before', async t => {
  const path = socketPath();
  const peer = python(`
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); c, _ = s.accept()
print("ready", flush=True); sys.stdin.readline()
n = 0
while True:
    d = c.recv(1 << 20)
    if not d: break
    n += len(d)
print("got", n, flush=True)`, path);
  const client = await sunpath.connect(path, { wait: true });
  await printed(peer, 'ready');
  let called = 0;
  const size = 8 << 20;
  client.write(Buffer.alloc(size), () => called++);
  client.write('tail', () => called++);
  await atRest(() => called);
  assert.strictEqual(called, 0);
  assert(client.writableNeedDrain);
  assert(client.writableLength >= size);
  peer.stdin.write('\n');
  await once(client, 'drain');
  client.end();
  await peer.ended;
  assert.strictEqual(called, 2);
  assert.match(peer.output, new RegExp(`got ${size + 4}`));
});

test('backpressure: a reader that stops holds the writer back, and memory stays flat', async t => {
  const { client, conn } = await pair(t);
  const piece = Buffer.alloc(65536);
  let nGiven = 0;
  const source = new Readable({ read() { this.push(nGiven++ < 4000 ? piece : null); } });
  const done = pipelineDone(source, client);
  await atRest(() => nGiven);
  assert(nGiven < 100, `${nGiven} pieces were taken with nobody reading`);
  let n = 0;
  await pipelineDone(conn, new Writable({ write(chunk, _, callback) { n += chunk.length; setImmediate(callback); } }));
  await done;
  assert.strictEqual(n, 4000 * 65536);
});

test('write() returns false from the high-water mark on, and drain follows', async t => {
  const { client, conn } = await pair(t, { highWaterMark: 1000 });
  assert.strictEqual(client.write(Buffer.alloc(10)), true);
  while (client.write(Buffer.alloc(1000))) {}
  assert.strictEqual(client.writableNeedDrain, true);
  assert(client.writableLength > 0);
  conn.resume();
  await once(client, 'drain');
  assert.strictEqual(client.writableNeedDrain, false);
  assert.strictEqual(client.writableLength, 0);
  assert.strictEqual(client.write('x'.repeat(1000000)), false);
  await once(client, 'drain');
  assert.strictEqual(client.write('x'), true);
});

test('echo under pressure with pause, resume and drain loses nothing', async t => {
  const { client, conn } = await pair(t, { highWaterMark: 4096 });
  conn.on('data', data => {
    if (!conn.write(data)) {
      conn.pause();
      conn.once('drain', () => conn.resume());
    }
  });
  conn.on('end', () => conn.end());
  const sent = Buffer.alloc(5000000);
  for (let i = 0; i < sent.length; i++) sent[i] = (i * 7) ^ (i >> 9);
  const got = collect(client);
  for (let at = 0; at < sent.length;) {
    const size = 1 + (at * 31) % 70000;
    if (!client.write(sent.subarray(at, at + size))) await once(client, 'drain');
    at += size;
  }
  client.end();
  assert(sent.equals(await got));
});

test('half-open: without allowHalfOpen the end is answered with the end', async t => {
  const { client, conn } = await pair(t);
  const closed = once(conn, 'close');
  conn.resume();
  client.end();
  await closed;
  assert.strictEqual(conn.writableFinished, true);
  await once(client.resume(), 'close');
});

test('half-open: with allowHalfOpen a reply can follow our end', async t => {
  const path = socketPath();
  const server = await sunpath.listen(path, { allowHalfOpen: true }, conn => {
    let asked = '';
    conn.on('data', data => { asked += data; });
    conn.on('end', () => setImmediate(() => conn.end(`you said ${asked}`)));
  });
  const socat = start('socat', '-t5', '-', `UNIX-CONNECT:${path}`);
  socat.stdin.end('q');
  await socat.ended;
  assert.strictEqual(socat.output, 'you said q');
  await server.close();
});

test('a client that closes without a word is noticed by who listens for it', async t => {
  const { client, conn } = await pair(t);
  const closed = once(conn, 'close');
  client.destroy();
  const [hadError] = await closed;
  assert(!hadError);
});

test('who leaves with our bytes unread resets the connection', async t => {
  const { client, conn } = await pair(t);
  client.write('never read');
  await new Promise(setImmediate);
  conn.destroy();
  await assert.rejects(once(client, 'data'), error => {
    assert.strictEqual(error.code, 'ECONNRESET');
    assert.strictEqual(error.errno, -104);
    assert.strictEqual(error.syscall, 'read');
    return true;
  });
});

test('writing to who is gone is EPIPE, told to the callback, too', async t => {
  const { client, conn } = await pair(t, { allowHalfOpen: true });
  conn.destroy();
  await once(client.resume(), 'end');
  const [error] = await new Promise(resolve => {
    silent(client);
    const args = [];
    client.write('x', failure => resolve([failure, ...args]));
  });
  assert.strictEqual(error.code, 'EPIPE');
  assert.strictEqual(error.syscall, 'write');
  await until(() => client.destroyed);
});

test('a callback that throws when a write fails keeps nobody from learning of it', async t => {
  const { client, conn } = await pair(t, { allowHalfOpen: true });
  const failed = once(client, 'error');
  client.write(Buffer.alloc(1000000), () => { throw new Error('on purpose'); });
  conn.destroy();
  assert.strictEqual((await uncaught(() => {})).message, 'on purpose');
  assert.strictEqual((await failed)[0].code, 'EPIPE');
});

test('a chunk that is transferred away while it waits is an error', async t => {
  for (const nChunks of [1, 3]) {
    const { client, conn } = await pair(t);
    silent(conn);
    const failed = once(client, 'error');
    const chunk = new Uint8Array(3000000);
    const errors = [];
    if (nChunks > 1) client.cork();
    for (let i = 1; i < nChunks; i++) client.write(Buffer.alloc(600000), error => errors.push(error));
    client.write(chunk, error => errors.push(error));
    client.uncork();
    structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
    conn.resume();
    const [error] = await failed;
    assert.strictEqual(error.code, 'ERR_INVALID_STATE');
    await until(() => errors.length === nChunks, 'the callbacks');
    assert.strictEqual(errors.at(-1).code, 'ERR_INVALID_STATE');
  }
});

test('destroy with 1000 queued writes calls 1000 callbacks, once each and in order', async t => {
  for (const size of [10, 1000, 100000]) {
    const { client } = await pair(t);
    const order = [];
    let nFailed = 0;
    for (let i = 0; i < 1000; i++) {
      client.write(Buffer.alloc(size), error => {
        order.push(i);
        if (error) {
          assert.strictEqual(error.code, 'ERR_STREAM_DESTROYED');
          nFailed++;
        }
      });
    }
    client.destroy();
    await once(client, 'close');
    await until(() => order.length >= 1000, 'all callbacks');
    await new Promise(setImmediate);
    assert.deepStrictEqual(order, order.map((_, i) => i));
    assert.strictEqual(order.length, 1000);
    if (size === 100000) assert(nFailed > 900);
  }
});

test('after destroy and after end write() fails as in Node', async t => {
  const { client, conn } = await pair(t);
  silent(client);
  client.destroy();
  const error = await new Promise(resolve => client.write('x', resolve));
  assert.strictEqual(error.code, 'ERR_STREAM_DESTROYED');
  silent(conn);
  conn.end();
  const after = await new Promise(resolve => conn.write(Buffer.from('x'), resolve));
  assert.strictEqual(after.code, 'ERR_STREAM_WRITE_AFTER_END');
});

test('end() sends everything first; finish comes then', async t => {
  const { client, conn } = await pair(t);
  client.end(Buffer.alloc(3000000, 'z'));
  assert.strictEqual(client.writableFinished, false);
  const [data] = await Promise.all([collect(conn), once(client, 'finish')]);
  assert.strictEqual(data.length, 3000000);
});

test('stream.finished and pipeline see the ends', async t => {
  const { client, conn } = await pair(t);
  const ended = new Promise(resolve => finished(client, resolve));
  pipeline(conn, conn, () => {});
  client.resume().end('x');
  assert.strictEqual(await ended, undefined);
  const second = await pair(t);
  const early = new Promise(resolve => finished(second.client, resolve));
  second.client.destroy();
  assert.strictEqual((await early).code, 'ERR_STREAM_PREMATURE_CLOSE');
});

test('readable events, read() and unshift work', async t => {
  const { client, conn } = await pair(t);
  client.write('abcdef');
  await once(conn, 'readable');
  assert.strictEqual(String(conn.read(2)), 'ab');
  conn.unshift('AB');
  assert.strictEqual(String(conn.read()), 'ABcdef');
});

test('setTimeout tells of silence, again after each, and not while there is traffic', async t => {
  const { client, conn } = await pair(t);
  conn.resume();
  let n = 0;
  client.setTimeout(30, () => n++);
  assert.strictEqual(client.timeout, 30);
  await once(client, 'timeout');
  client.on('timeout', () => n++);
  client.write('x');
  await once(client, 'timeout');
  assert.strictEqual(n, 2);
  client.setTimeout(0);
  assert.strictEqual(client.timeout, 0);
  assert.strictEqual(client.destroyed, false);
  assert.throws(() => client.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => client.setTimeout('1'), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('a listener that throws reaches uncaughtException, and the rest goes on', async () => {
  const child = start(process.execPath, '-e', `
    const sunpath = require(${JSON.stringify(require.resolve('..'))});
    process.on('uncaughtException', error => console.log('caught', error.message));
    sunpath.listen(process.argv[1], conn => {
      conn.on('data', data => { conn.write(data); throw new Error('on ' + data); });
    }).then(() => console.log('ready'));`, socketPath());
  await printed(child, 'ready');
  const client = await sunpath.connect(child.spawnargs.at(-1));
  for (const word of ['one', 'two']) {
    client.write(word);
    const [data] = await once(client, 'data');
    assert.strictEqual(String(data), word);
  }
  await printed(child, 'caught on two');
  client.destroy();
  child.kill();
});

test('peer says who it is, and still after the close', async t => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  t.after(() => server.close());
  const child = python(`
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print("up", flush=True); sys.stdin.readline()`, path);
  const [conn] = await once(server, 'connection');
  assert.strictEqual(conn.peer.pid, child.pid);
  assert.strictEqual(conn.peer.uid, process.getuid());
  assert.strictEqual(conn.peer.gid, process.getgid());
  assert.deepStrictEqual([...conn.peer.groups].sort(),
    process.getgroups().filter(gid => conn.peer.groups.includes(gid)).sort());
  assert.match(conn.peer.exe, /python3/);
  assert.strictEqual(conn.peer.isUnmapped, false);
  const pidfd = conn.openPeerPidfd();
  assert.match(fs.readlinkSync(`/proc/self/fd/${pidfd.fd}`), /pidfd/);
  pidfd.close();
  assert.strictEqual(pidfd.fd, -1);
  conn.destroy();
  assert.strictEqual(conn.peer.pid, child.pid);
  assert.throws(() => conn.openPeerPidfd(), { code: 'EBADF' });
  child.stdin.end('\n');
  await child.ended;
});

test('await using closes it', async t => {
  const { client, conn } = await pair(t);
  const closed = once(conn.resume(), 'close');
  client.write('last words');
  await client[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
  assert.strictEqual(client.destroyed, true);
  await closed;
});

test('any connected stream socket can be wrapped, and nothing else', async () => {
  assert.throws(() => new sunpath.Socket(), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new sunpath.Socket({}), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => new sunpath.Socket({ fd: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new sunpath.Socket({ fd: 99999 }), { code: 'EBADF' });
  assert.throws(() => new sunpath.Socket({ fd: 3, objectMode: true }), { code: 'ERR_INVALID_ARG_VALUE' });
});
