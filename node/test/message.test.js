// SPDX-License-Identifier: MIT
// MessageSocket: seqpacket, datagrams and framed streams.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { once } = require('node:events');
const { finished, pipeline } = require('node:stream/promises');
const { Transform } = require('node:stream');
const { describe, test } = require('node:test');
const { Worker } = require('node:worker_threads');
const sunpath = require('..');
const { nDescriptors, printed, python, socketPath, turns, uncaught, until } = require('./support');

const { MessageSocket } = sunpath;

// A server with one connection: { address, server, client, socket }, closed after the test.
async function pair(t, options = {}, type = 'seqpacket') {
  const address = `${type}:${socketPath()}`;
  const server = await sunpath.listen(address, options);
  const connection = once(server, 'connection');
  const client = await sunpath.connect(address, options);
  const [socket] = await connection;
  t.after(() => {
    client.destroy();
    server.closeAllConnections();
    return server.close();
  });
  return { address, server, client, socket };
}

async function bound(t, options) {
  const path = socketPath();
  const socket = await sunpath.bind(path, options);
  t.after(() => socket.destroy());
  return { path, address: `dgram:${path}`, socket };
}

function messages(socket) {
  const list = [];
  socket.on('data', data => list.push(data));
  return list;
}

const framed = { framing: 'u32' };

describe('messages', () => {
  for (const [what, options, type] of [['seqpacket', {}, 'seqpacket'], ['a framed stream', framed, 'stream']]) {
    test(`keep their bounds and their order, both ways, also empty ones: ${what}`, async t => {
      const { client, socket } = await pair(t, options, type);
      const sent = Array.from({ length: 500 }, (_, i) => Buffer.alloc((i * 7919) % 5000, i));
      const there = messages(socket);
      const back = messages(client);
      for (const each of sent) client.write(each);
      client.write('text');
      await until(() => there.length === sent.length + 1);
      assert.deepStrictEqual(there, [...sent, Buffer.from('text')]);
      for (const each of there) socket.write(each);
      await until(() => back.length === there.length);
      assert.deepStrictEqual(back, there);
      assert.ok(client instanceof MessageSocket);
      assert.strictEqual(client.type, type);
    });

    test(`end on one side, and then on the other: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, allowHalfOpen: true }, type);
      client.end('last');
      const got = [];
      for await (const message of socket) got.push(String(message));
      assert.deepStrictEqual(got, ['last']);
      client.resume();
      const closed = once(client, 'close');
      socket.end();
      await closed;
    });

    test(`destroy() with 1,000 of them queued calls 1,000 callbacks, in order: ${what}`, async t => {
      const { client } = await pair(t, options, type);
      const calls = [];
      for (let i = 0; i < 1000; i++) client.write(Buffer.alloc(10_000), error => calls.push([i, error?.code]));
      const promised = client.send(Buffer.alloc(10)).then(() => null, error => error.code);
      await turns(5);
      const nSent = calls.length;
      client.destroy();
      assert.strictEqual(await promised, 'ERR_STREAM_DESTROYED');
      await turns(5);
      assert.deepStrictEqual(calls.map(([i]) => i), Array.from({ length: 1000 }, (_, i) => i));
      assert.ok(nSent < 200, `${nSent} were taken`);
      for (const [i, code] of calls) assert.strictEqual(code, i < nSent ? undefined : 'ERR_STREAM_DESTROYED');
    });

    test(`callbacks come in order, and wait for the kernel: ${what}`, async t => {
      const { client, socket } = await pair(t, options, type);
      const calls = [];
      for (let i = 0; i < 2000; i++) client.write(Buffer.alloc(1000), error => calls.push([i, error]));
      await turns(10);
      const nTaken = calls.length;
      assert.ok(nTaken < 1900);
      socket.resume();
      await until(() => calls.length === 2000);
      assert.deepStrictEqual(calls, Array.from({ length: 2000 }, (_, i) => [i, null]));
    });

    test(`backpressure reaches the writer, and the memory of the reader: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, highWaterMark: 10 }, type);
      let n = 0;
      let isDrained = false;
      client.once('drain', () => { isDrained = true; });
      while (client.write(Buffer.alloc(1000))) n++;
      assert.strictEqual(n, 9);
      await until(() => isDrained);
      while (n < 5000) {
        n++;
        if (!client.write(Buffer.alloc(1000))) await Promise.race([once(client, 'drain'), turns(20)]);
        if (client.writableLength > 200) break;
      }
      assert.ok(n < 5000, 'nobody reads');
      socket.once('readable', () => {});
      await turns(10);
      assert.ok(socket.readableLength <= 60, `${socket.readableLength} messages are kept`);
      const got = messages(socket);
      await until(() => client.writableLength === 0);
      assert.ok(got.length > 0);
    });

    test(`more than the addon may keep waits in the stream: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, maxQueue: 100_000 }, type);
      const calls = [];
      for (let i = 0; i < 500; i++) {
        const data = Buffer.alloc(5000);
        data.writeUInt32LE(i);
        client.write(data, error => calls.push([i, error]));
      }
      client.end();
      const got = [];
      for await (const data of socket) got.push(data.readUInt32LE());
      assert.deepStrictEqual(got, Array.from({ length: 500 }, (_, i) => i));
      await until(() => calls.length === 500);
      assert.deepStrictEqual(calls, Array.from({ length: 500 }, (_, i) => [i, null]));
    });

    test(`pipeline, finished and transforms: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, allowHalfOpen: true }, type);
      const upper = new Transform({ objectMode: true, transform: (data, _, done) => done(null, String(data).toUpperCase()) });
      const served = pipeline(socket, upper, socket);
      for (const each of ['one', 'two', 'three']) client.write(each);
      client.end();
      const got = [];
      for await (const data of client) got.push(String(data));
      assert.deepStrictEqual(got, ['ONE', 'TWO', 'THREE']);
      await served;
      await finished(client);
    });

    test(`one that is too large is told: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, maxMessage: 1000 }, type);
      const lost = [];
      socket.on('lost', error => lost.push(error));
      const closed = new Promise(resolve => socket.on('error', resolve));
      if (type === 'stream') {
        await assert.rejects(client.send(Buffer.alloc(1001)), { code: 'EMSGSIZE', syscall: 'send' });
      } else {
        await assert.rejects(client.send(Buffer.alloc(1 << 20)), { code: 'EMSGSIZE', syscall: 'send' });
        await client.send(Buffer.alloc(1001));
        const got = messages(socket);
        await client.send('next');
        await until(() => got.length === 1);
        assert.strictEqual(lost[0].code, 'EMSGSIZE');
        assert.match(lost[0].message, /1001|1,001/);
      }
      assert.ok(!client.destroyed, 'send() leaves the socket alone');
      const error = once(client, 'error');
      client.write(Buffer.alloc(1 << 21), failed => assert.strictEqual(failed.code, 'EMSGSIZE'));
      assert.strictEqual((await error)[0].code, 'EMSGSIZE');
      assert.ok(client.destroyed, 'write() does not');
      void closed;
    });

    test(`descriptors, both ways: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, withInfo: true, maxFds: 4 }, type);
      const path = socketPath();
      fs.writeFileSync(path, 'contents');
      const handle = await fs.promises.open(path);
      const got = messages(socket);
      await client.send('file', { fds: [handle, handle.fd] });
      await handle.close();
      client.write({ data: 'none' });
      await until(() => got.length === 2);
      assert.strictEqual(String(got[0].data), 'file');
      assert.strictEqual(got[0].fds.length, 2);
      assert.ok(got[0].fds[0] instanceof sunpath.Descriptor);
      assert.strictEqual(fs.readFileSync(got[0].fds[0].fd, 'utf8'), 'contents');
      assert.deepStrictEqual(got[1].fds, []);
      const back = messages(client);
      socket.write({ data: 'back', fds: [got[0].fds[1]] });
      await until(() => back.length === 1);
      assert.strictEqual(fs.fstatSync(back[0].fds[0].fd).size, 8);
      for (const each of [...got[0].fds, ...back[0].fds]) each.close();
    });

    test(`descriptors that nobody wants are closed: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, withInfo: true, maxFds: 4 }, type);
      const fd = fs.openSync('/dev/null');
      const n = 100;
      let got = 0;
      socket.on('data', () => got++);
      const before = nDescriptors();
      for (let i = 0; i < n; i++) await client.send('x', { fds: [fd] });
      await until(() => got === n);
      await until(() => {
        global.gc();
        return nDescriptors() <= before;
      }, 'the collector');
      fs.closeSync(fd);
    });

    test(`who is at the other end: ${what}`, async t => {
      const { client, socket } = await pair(t, { ...options, withInfo: true, credentials: true }, type);
      assert.strictEqual(socket.peer.pid, process.pid);
      assert.strictEqual(client.peer.uid, process.getuid());
      const got = messages(socket);
      client.write('x');
      await until(() => got.length === 1);
      assert.deepStrictEqual(got[0].credentials, { pid: process.pid, uid: process.getuid(), gid: process.getgid() });
    });

    test(`AbortSignal and asyncDispose: ${what}`, async t => {
      const controller = new AbortController();
      const { client, socket, address } = await pair(t, options, type);
      const other = await sunpath.connect(address, { ...options, signal: controller.signal });
      const error = once(other, 'error');
      controller.abort();
      assert.strictEqual((await error)[0].name, 'AbortError');
      assert.ok(other.destroyed);
      const got = messages(socket);
      client.write('before');
      await client[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
      assert.ok(client.closed);
      await until(() => got.length === 1);
    });
  }

  test('a server is handed over', async t => {
    const { address, server, client, socket } = await pair(t);
    const control = await sunpath.listen(socketPath());
    t.after(() => control.closeAllConnections() ?? control.close());
    const accepted = once(control, 'connection');
    const successor = await sunpath.connect(control.address);
    const taken = sunpath.takeOver(successor, { type: 'seqpacket' });
    await server.handOver((await accepted)[0]);
    const second = await taken;
    t.after(() => second.closeAllConnections() ?? second.close());
    second.on('connection', other => other.on('data', data => other.write(`second ${data}`)));
    const late = await sunpath.connect(address);
    t.after(() => late.destroy());
    late.write('hello');
    assert.strictEqual(String((await once(late, 'data'))[0]), 'second hello');
    const got = messages(socket);
    client.write('and the old connection goes on');
    await until(() => got.length === 1);
  });

  test('a reset is an error', async t => {
    const { client, socket } = await pair(t);
    const error = once(client, 'error');
    client.resume();
    await client.send('never read');
    socket.destroy();
    assert.ok(['ECONNRESET', 'EPIPE'].includes((await error)[0].code));
    await assert.rejects(client.send('x'), { code: 'ERR_STREAM_DESTROYED' });
  });

  test('a callback that throws when a write fails keeps nobody from learning of it', async t => {
    const { client, socket } = await pair(t, { maxQueue: 100000 });
    const failed = once(client, 'error');
    while (client.writableLength < 5) client.write(Buffer.alloc(50000));
    const data = new Uint8Array(50000);
    client.write(data, () => { throw new Error('on purpose'); });
    structuredClone(data.buffer, { transfer: [data.buffer] });
    socket.resume();
    assert.strictEqual((await uncaught(() => {})).message, 'on purpose');
    await failed;
  });

  test('an array of descriptors that takes the bytes away', async t => {
    const { client, socket } = await pair(t, { withInfo: true, maxFds: 1 });
    const data = new Uint8Array(100000);
    class Thief extends Array {
      map() {
        return Object.defineProperty([0], 0, {
          get() {
            structuredClone(data.buffer, { transfer: [data.buffer] });
            global.gc();
            return 0;
          },
        });
      }
    }
    await client.send(data, { fds: Thief.of(0) });
    const [message] = await once(socket, 'data');
    assert.strictEqual(message.data.length, 0);
    message.fds[0].close();
  });

  test('a message that is transferred away while it waits is an error', async t => {
    const { client, socket } = await pair(t, { maxQueue: 500000 });
    const data = new Uint8Array(50000);
    const sent = [];
    while (client.writableLength < 20) sent.push(client.send(Buffer.alloc(50000)));
    const lost = client.send(data);
    sent.push(client.send('more'));
    structuredClone(data.buffer, { transfer: [data.buffer] });
    let nReceived = 0;
    socket.on('data', () => nReceived++);
    await assert.rejects(lost, { code: 'ERR_INVALID_STATE' });
    await Promise.all(sent);
    await until(() => nReceived === sent.length, 'the others');
  });

  test('after end() nothing is sent', async t => {
    const { client } = await pair(t);
    client.end();
    await assert.rejects(client.send('x'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
  });

  test('what listeners throw is an uncaughtException, and the next message arrives', async t => {
    const { client, socket } = await pair(t);
    const got = [];
    socket.on('data', data => {
      got.push(String(data));
      throw new Error(`thrown for ${data}`);
    });
    assert.strictEqual((await uncaught(() => client.write('1'))).message, 'thrown for 1');
    assert.strictEqual((await uncaught(() => client.write('2'))).message, 'thrown for 2');
    assert.deepStrictEqual(got, ['1', '2']);
  });

  test('an empty packet of another program is no end', async t => {
    const address = `seqpacket:${socketPath()}`;
    const server = await sunpath.listen(address);
    t.after(() => server.closeAllConnections() ?? server.close());
    const peer = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
for each in (b'', b'x', b'', b''): s.send(each)
s.close()`, address.slice(10));
    const [socket] = await once(server, 'connection');
    const got = [];
    for await (const data of socket) got.push(String(data));
    assert.deepStrictEqual(got, ['', 'x', '', '']);
    await peer.ended;
  });

  test('descriptors of another program', async t => {
    const address = `seqpacket:${socketPath()}`;
    const server = await sunpath.listen(address, { withInfo: true, maxFds: 2 });
    t.after(() => server.closeAllConnections() ?? server.close());
    const peer = python(`
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
r, w = os.pipe()
socket.send_fds(s, [b'pipe'], [w])
os.close(w)
print(os.read(r, 100).decode(), flush=True)
data, fds, _, _ = socket.recv_fds(s, 100, 4)
print(data.decode(), os.read(fds[0], 100).decode(), flush=True)`, address.slice(10));
    const [socket] = await once(server, 'connection');
    const [message] = await once(socket, 'data');
    fs.writeSync(message.fds[0].fd, 'through the pipe');
    message.fds[0].close();
    await printed(peer, 'through the pipe');
    const path = socketPath();
    fs.writeFileSync(path, 'file');
    const fd = fs.openSync(path);
    await socket.send('back', { fds: [fd] });
    fs.closeSync(fd);
    await printed(peer, 'back file');
    assert.strictEqual(await peer.ended, 0);
    socket.destroy();
  });
});

describe('framings', () => {
  const bodies = ['hello', '', 'x'.repeat(200)];
  const table = {
    line: body => Buffer.from(`${body}\n`),
    nul: body => Buffer.from(`${body}\0`),
    u8: body => Buffer.concat([Buffer.from([body.length]), Buffer.from(body)]),
    u16: body => Buffer.concat([Buffer.from([0, body.length]), Buffer.from(body)]),
    u16le: body => Buffer.concat([Buffer.from([body.length, 0]), Buffer.from(body)]),
    u32: body => Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(body)]),
    u32le: body => Buffer.concat([Buffer.from([body.length, 0, 0, 0]), Buffer.from(body)]),
    u64: body => Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, body.length]), Buffer.from(body)]),
    u64le: body => Buffer.concat([Buffer.from([body.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(body)]),
    varint: body => Buffer.concat([Buffer.from(body.length < 128 ? [body.length] : [body.length & 127 | 128, 1]), Buffer.from(body)]),
    netstring: body => Buffer.from(`${body.length}:${body},`),
    'content-length': body => Buffer.from(`Content-Length: ${body.length}\r\n\r\n${body}`),
  };
  for (const [framing, wire] of Object.entries(table)) {
    test(framing, async t => {
      const path = socketPath();
      const server = await sunpath.listen(path, { framing });
      t.after(() => server.closeAllConnections() ?? server.close());
      const client = await sunpath.connect(path);
      const [socket] = await once(server, 'connection');
      const got = messages(socket);
      const all = Buffer.concat(bodies.map(wire));
      for (const byte of all) client.write(Buffer.from([byte]));
      await until(() => got.length === bodies.length);
      assert.deepStrictEqual(got.map(String), bodies);
      for (const each of got) socket.write(each);
      socket.end();
      const back = [];
      for await (const chunk of client) back.push(chunk);
      assert.deepStrictEqual(Buffer.concat(back), all);
    });
  }

  test('what is no frame, and what is too long, is the end', async t => {
    for (const [framing, bytes, code] of [['netstring', 'x', 'EBADMSG'], ['u32', '\x7f\xff\xff\xff', 'EMSGSIZE'], ['u32', '\0\0', 'ECONNRESET']]) {
      const path = socketPath();
      const server = await sunpath.listen(path, { framing });
      t.after(() => server.closeAllConnections() ?? server.close());
      const client = await sunpath.connect(path);
      const [socket] = await once(server, 'connection');
      const error = once(socket, 'error');
      socket.resume();
      client.end(Buffer.from(bytes, 'latin1'));
      assert.strictEqual((await error)[0].code, code);
      client.destroy();
    }
  });

  test('an end mark cannot be sent', async t => {
    const { client } = await pair(t, { framing: 'line' }, 'stream');
    await assert.rejects(client.send('a\nb'), { code: 'EINVAL' });
  });
});

describe('datagrams', () => {
  test('from one with a name, and the answer', async t => {
    const { address, socket } = await bound(t, { withInfo: true });
    const own = socketPath();
    const client = await sunpath.connect(address, { bind: own });
    const back = messages(client);
    socket.on('data', ({ data, sender }) => socket.write({ data: `re: ${data}`, to: sender }));
    await client.send('hello');
    await until(() => back.length === 1);
    assert.strictEqual(String(back[0]), 're: hello');
    client.destroy();
    await once(client, 'close');
    assert.ok(!fs.existsSync(own), 'its file is removed');
  });

  test('with another program, and without a name', async t => {
    const { path, socket } = await bound(t, { withInfo: true, credentials: true });
    const got = messages(socket);
    const peer = python(`
nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
nameless.sendto(b'nameless', sys.argv[1])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] + '.peer')
s.sendto(b'', sys.argv[1])
print(s.recv(100).decode(), flush=True)`, path);
    await until(() => got.length === 2);
    assert.deepStrictEqual(got.map(({ data }) => String(data)), ['nameless', '']);
    assert.strictEqual(got[0].sender, undefined);
    assert.strictEqual(got[1].sender, `dgram:${path}.peer`);
    assert.strictEqual(got[0].credentials.pid, peer.pid);
    await socket.send('answer', { to: got[1].sender });
    await printed(peer, 'answer');
    await peer.ended;
  });

  test('a receiver that is full is waited for, in order', async t => {
    const { address, socket } = await bound(t);
    const client = await sunpath.connect(address);
    const sent = Promise.all(Array.from({ length: 300 }, (_, i) => client.send(String(i))));
    await turns(10);
    const got = messages(socket);
    await sent;
    await until(() => got.length === 300);
    assert.deepStrictEqual(got.map(Number), Array.from({ length: 300 }, (_, i) => i));
    client.destroy();
  });

  test('one that cannot be delivered is told, and the others go', async t => {
    const { address, socket } = await bound(t);
    const got = messages(socket);
    const lost = [];
    socket.on('lost', error => lost.push(error.code));
    await assert.rejects(socket.send('x', { to: `${address}-none` }), { code: 'ENOENT', syscall: 'send' });
    await assert.rejects(socket.send('x'), { code: 'ENOTCONN' });
    const called = new Promise(resolve => socket.write({ data: 'x', to: `${address}-none` }, resolve));
    assert.strictEqual((await called).code, 'ENOENT');
    socket.write({ data: 'x', to: `${address}-none` });
    await until(() => lost.length === 1);
    assert.deepStrictEqual(lost, ['ENOENT']);
    socket.write({ data: 'to myself', to: address });
    await until(() => got.length === 1);
  });

  test('write() asks for nobody to wait when nothing is pending', async t => {
    const { socket } = await bound(t, { highWaterMark: 0 });
    const lost = once(socket, 'lost');
    assert.strictEqual(socket.write('to nobody'), true);
    assert.strictEqual(socket.writableNeedDrain, false);
    assert.strictEqual((await lost)[0].code, 'ENOTCONN');
  });

  test('bind() publishes safely, and removes', async t => {
    const path = socketPath();
    const socket = await sunpath.bind(path, { mode: 0o640 });
    assert.strictEqual(fs.statSync(path).mode & 0o777, 0o640);
    await assert.rejects(sunpath.bind(path), { code: 'EADDRINUSE', hint: 'in-use' });
    const closed = once(socket, 'close');
    socket.end();
    await closed;
    assert.ok(!fs.existsSync(path));
    await assert.rejects(sunpath.bind(`stream:${path}`), { code: 'EINVAL', hint: 'invalid' });
  });

  test('buffers have the size that was asked for, and so have messages', async t => {
    const { address, socket } = await bound(t, { receiveBuffer: 200_000, sendBuffer: 50_000 });
    const client = await sunpath.connect(address, { sendBuffer: 100_000 });
    t.after(() => client.destroy());
    assert.strictEqual(client.maxMessage, 2 * 100_000 - 32);
    assert.strictEqual(socket.maxMessage, 2 * 50_000 - 32);
    const got = messages(socket);
    await client.send(Buffer.alloc(150_000));
    await assert.rejects(client.send(Buffer.alloc(250_000)), { code: 'EMSGSIZE' });
    await until(() => got.length === 1);
    assert.strictEqual(got[0].length, 150_000);
  });

  test('a large one is told, and nobody can end the socket with it', async t => {
    const { address, socket } = await bound(t, { maxMessage: 100 });
    const client = await sunpath.connect(address);
    await client.send(Buffer.alloc(200));
    const got = messages(socket);
    await client.send('after');
    await until(() => got.length === 1);
    client.destroy();
  });
});

describe('forgotten and unref\'d', () => {
  test('10,000 sockets that are forgotten are closed', async t => {
    const address = `seqpacket:${socketPath()}`;
    const server = await sunpath.listen(address, { backlog: 4096 });
    t.after(() => server.closeAllConnections() ?? server.close());
    await sunpath.connect(address).then(socket => socket.destroy());
    const before = nDescriptors();
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 500; i++) await sunpath.connect(address); // and as many of the server's
      await until(() => {
        global.gc();
        return nDescriptors() <= before + 4;
      }, 'the collector');
    }
  });

  test('a process ends when only unref\'d ones are left', async t => {
    const { start } = require('./support');
    const child = start(process.execPath, '-e', `
      const sunpath = require(${JSON.stringify(require.resolve('..'))});
      (async () => {
        const server = await sunpath.listen('seqpacket:${socketPath()}');
        server.unref();
        const socket = await sunpath.bind('${socketPath()}');
        socket.on('data', () => {}).unref();
        const client = await sunpath.connect(server.address);
        client.on('data', () => {}).unref();
        console.log('ends');
      })();`);
    await printed(child, 'ends');
    assert.strictEqual(await child.ended, 0);
    void t;
  });

  test('50 workers come and go while the main thread serves', async t => {
    const { address, client, socket, server } = await pair(t);
    socket.on('data', data => socket.write(data));
    server.on('connection', other => other.on('data', data => other.write(data)).on('error', () => {}));
    let n = 0;
    client.on('data', data => {
      n++;
      client.write(data);
    });
    client.write('ping');
    const work = `
      const sunpath = require(${JSON.stringify(require.resolve('..'))});
      const { parentPort, workerData } = require('node:worker_threads');
      (async () => {
        await sunpath.bind(workerData.own, { withInfo: true }).then(socket => socket.on('data', () => {}));
        const own = 'seqpacket:' + workerData.own + '.s';
        await sunpath.listen(own, { maxFds: 2, withInfo: true }, socket => socket.on('data', () => {}));
        const sender = await sunpath.connect(own);
        const client = await sunpath.connect(workerData.address);
        client.on('data', () => parentPort.postMessage('answered'));
        for (let i = 0; i < 100; i++) {
          client.write('x');
          sender.write({ data: 'x', fds: [0, 1] });
        }
      })();`;
    const descriptors = nDescriptors();
    for (let i = 0; i < 10; i++) {
      const before = n;
      const workers = Array.from({ length: 5 }, () => new Worker(work, { eval: true, workerData: { address, own: socketPath() } }));
      await Promise.all(workers.map(async (worker, k) => {
        if (k > 0) await once(worker, 'message'); // one of them is ended as it begins
        await worker.terminate();
      }));
      await until(() => n > before);
    }
    await until(() => nDescriptors() <= descriptors, 'the descriptors of the workers');
  });
});

describe('bad arguments', () => {
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  const value = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

  test('of options', async () => {
    const address = `seqpacket:${socketPath()}`;
    for (const [options, error] of [[{ maxFds: 3 }, value], [{ credentials: true }, value], [{ maxFds: 254, withInfo: true }, range],
      [{ framing: 'u33' }, value], [{ framing: 7 }, value], [{ maxMessage: 0 }, range], [{ maxMessage: '1' }, type],
      [{ withInfo: 1 }, type], [{ highWaterMark: -1 }, range], [{ idle: -1 }, range], [{ signal: {} }, type]]) {
      await assert.rejects(sunpath.listen(address, options), error, JSON.stringify(options));
      await assert.rejects(sunpath.connect(address, options), error, JSON.stringify(options));
      await assert.rejects(sunpath.bind(address.slice(10), options), error, JSON.stringify(options));
    }
    await assert.rejects(sunpath.listen(`dgram:${socketPath()}`), value);
    assert.throws(() => new MessageSocket(), type);
    assert.throws(() => new MessageSocket({}), type);
    assert.throws(() => new MessageSocket({ fd: 9999 }), { code: 'EBADF' });
  });

  test('of messages', async t => {
    const { client } = await pair(t);
    for (const junk of [undefined, 1, true, Symbol('x'), 1n, [], {}, () => {}, { data: 1 }]) {
      assert.throws(() => client.write(junk), type);
    }
    for (const junk of [undefined, 1, true, Symbol('x'), 1n, [], {}, null]) await assert.rejects(client.send(junk), type);
    assert.throws(() => client.write(null), { code: 'ERR_STREAM_NULL_VALUES' });
    assert.throws(() => client.write('x', 'utf8', 'callback'), type);
    for (const fds of [1, 'x', {}, ['x'], [{}], [null]]) await assert.rejects(client.send('x', { fds }), type);
    for (const fds of [[-1], [1.5], [2 ** 40]]) await assert.rejects(client.send('x', { fds }), range);
    await assert.rejects(client.send('x', { fds: Array(254).fill(0) }), range);
    await assert.rejects(client.send('x', { fds: [9999] }), { code: 'EBADF' });
    await assert.rejects(client.send('x', { to: 1 }), type);
    await assert.rejects(client.send('x', { to: 'nowhere' }), { code: 'EINVAL' });
    await assert.rejects(client.send('x', { to: '/tmp/x' }), { code: 'EINVAL' });
    await client.send('and it lives');
  });

  test('errors have what Node\'s have', async t => {
    const path = socketPath();
    const server = await sunpath.listen(`seqpacket:${path}`);
    t.after(() => server.closeAllConnections() ?? server.close());
    await assert.rejects(sunpath.connect(`seqpacket:${path}-none`), { code: 'ENOENT', errno: -2, syscall: 'connect', hint: 'missing' });
    await assert.rejects(sunpath.connect(path), { code: 'EPROTOTYPE', hint: 'wrong-type' });
    await assert.rejects(sunpath.listen(`seqpacket:${path}`), { code: 'EADDRINUSE', hint: 'in-use' });
  });
});
