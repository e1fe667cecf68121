// SPDX-License-Identifier: MIT
// Input of many sockets is told in one go, and what they write meanwhile leaves in one go: nobody notices.
'use strict';

const assert = require('node:assert');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const fs = require('node:fs');
const { test } = require('node:test');
const binding = require('../lib/binding');
const { kHandle } = require('../lib/connection');
const sunpath = require('..');
const { collect, printed, socketPath, start, uncaught, until } = require('./support');

// `n` clients and the server's sockets for them, in the same order; what clients write in one turn comes in one go.
async function pairs(t, n) {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const clients = [];
  const sockets = [];
  for (let i = 0; i < n; i++) {
    const [[socket], client] = await Promise.all([once(server, 'connection'), sunpath.connect(path)]);
    for (const one of [socket, client]) one.on('error', () => {});
    sockets.push(socket);
    clients.push(client);
  }
  t.after(async () => {
    for (const one of [...clients, ...sockets]) one.destroy();
    await server.close();
  });
  return { clients, sockets };
}

test('more sockets than one go has room for', async t => {
  const { clients, sockets } = await pairs(t, 300);
  for (const socket of sockets) socket.on('data', data => socket.write(data));
  for (let round = 0; round < 3; round++) {
    const answers = clients.map(client => once(client, 'data'));
    clients.forEach((client, i) => client.write(`${round} of ${i}`.padEnd(round * 500)));
    for (const [i, answer] of answers.entries()) {
      assert.strictEqual(String((await answer)[0]).trimEnd(), `${round} of ${i}`);
    }
  }
});

test('a listener that throws keeps no other from being told, and nothing from being sent', async t => {
  const { clients, sockets } = await pairs(t, 3);
  sockets.forEach((socket, i) => socket.on('data', data => {
    socket.write(`echo ${data}`);
    if (i === 1) throw new Error('on purpose');
  }));
  const answers = clients.map(client => once(client, 'data'));
  const error = await uncaught(() => clients.forEach(client => client.write('x')));
  assert.strictEqual(error.message, 'on purpose');
  for (const answer of answers) assert.strictEqual(String((await answer)[0]), 'echo x');
});

test('ticks that throw between two listeners keep nobody from being told, and the other ticks run', async t => {
  const { clients, sockets } = await pairs(t, 3);
  const seen = [];
  sockets.forEach((socket, i) => socket.on('data', data => {
    socket.write(`echo ${data}`);
    for (let j = 0; j < 2; j++) {
      process.nextTick(() => {
        seen.push(`${i} ${j}`);
        throw new Error('on purpose');
      });
    }
    process.nextTick(() => seen.push(`${i} quiet`));
  }));
  const answers = clients.map(client => once(client, 'data'));
  const errors = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', error => errors.push(error.message));
  clients.forEach(client => client.write('x'));
  for (const answer of answers) assert.strictEqual(String((await answer)[0]), 'echo x');
  await until(() => seen.length === 9);
  process.removeAllListeners('uncaughtException');
  for (const listener of listeners) process.on('uncaughtException', listener);
  assert.deepStrictEqual(seen, [0, 1, 2].flatMap(i => [`${i} 0`, `${i} 1`, `${i} quiet`]));
  assert.deepStrictEqual(errors, Array(6).fill('on purpose'));
});

test('several writes in a listener are one message, in their order, whatever they are', async t => {
  const { clients: [client], sockets: [socket] } = await pairs(t, 1);
  const large = Buffer.alloc(100000, 'l');
  const callbacks = [];
  socket.once('data', () => {
    for (const [i, chunk] of ['a', Buffer.from('b'), new Uint8Array([99]), large, 'd', Buffer.from('e')].entries()) {
      socket.write(chunk, ...(i % 2 ? [() => callbacks.push(i)] : []));
      socket.write(Buffer.from('.'));
    }
    socket.end('f');
  });
  client.write('x');
  assert.strictEqual(String(await collect(client)), `a.b.c.${large}.d.e.f`);
  assert.deepStrictEqual(callbacks, [1, 3, 5]);
});

test('text is sent in the encoding it is written in, several writes of a listener in one message', async t => {
  const { clients: [client], sockets: [socket] } = await pairs(t, 1);
  socket.once('data', () => {
    for (const [text, ...encoding] of [['ä€😀'], ['ä', 'latin1'], ['\ud800'], ['', 'utf8'], ['c3a4', 'hex'], ['é', 'utf8']]) {
      socket.write(text, ...encoding);
    }
    assert.strictEqual(socket.bytesWritten, 17);
    socket.setDefaultEncoding('latin1');
    socket.end('ö');
  });
  client.write('x');
  const got = await collect(client);
  assert.strictEqual(got.toString('latin1'), Buffer.concat([
    Buffer.from('ä€😀'), Buffer.from([0xe4]), Buffer.from('\ufffd'), Buffer.from('ä'), Buffer.from('é'), Buffer.from([0xf6]),
  ]).toString('latin1'));
});

test('small writes of one listener come together', async t => {
  const { clients: [client], sockets: [socket] } = await pairs(t, 1);
  socket.on('data', () => {
    socket.write('one ');
    socket.write(Buffer.from('two '));
    process.nextTick(() => socket.write('three '));
    Promise.resolve().then(() => socket.write('four'));
  });
  client.write('x');
  assert.strictEqual(String((await once(client, 'data'))[0]), 'one two three four');
});

test('what is written before a socket is destroyed or let go is sent', async t => {
  const { clients, sockets } = await pairs(t, 2);
  sockets[0].on('data', () => {
    sockets[0].write(Buffer.from('bye'));
    sockets[0].destroy();
    sockets[1].write(Buffer.from('bye, too'));
    sockets[1].destroy();
  });
  sockets[1].on('data', () => assert.fail('it is destroyed'));
  const all = clients.map(collect);
  for (const client of clients) client.write('x');
  assert.deepStrictEqual((await Promise.all(all)).map(String), ['bye', 'bye, too']);
});

test('a socket that takes the place of one that was destroyed gets nothing of its input', async t => {
  const { clients, sockets } = await pairs(t, 2);
  const other = await pairs(t, 1);
  let made = null;
  sockets[0].on('data', () => {
    sockets[1].destroy();
    made = new sunpath.Socket({ fd: binding.duplicateFd(other.sockets[0].fd) });
    made.on('data', data => assert.strictEqual(String(data), 'for the new one'));
  });
  sockets[1].on('data', () => assert.fail('it is destroyed'));
  for (const client of clients) client.write('for the old ones');
  await until(() => made !== null);
  other.clients[0].write('for the new one');
  await once(made, 'data');
  made.destroy();
});

test('a socket that another one pauses gets its input when it resumes', async t => {
  const { clients, sockets } = await pairs(t, 2);
  const got = [];
  sockets[0].on('data', () => sockets[1].pause());
  sockets[1].on('data', data => got.push(String(data)));
  for (const client of clients) client.write('x');
  await until(() => sockets[1].readableLength === 1);
  assert.deepStrictEqual(got, []);
  sockets[1].resume();
  await until(() => got.length === 1);
});

test('a socket whose input waits is not handed over by another one, and gets its input', async t => {
  const { clients, sockets } = await pairs(t, 2);
  const path = socketPath();
  const server = await sunpath.listen(path);
  const refused = [];
  const got = [];
  const handed = new Promise((resolve, reject) => {
    for (const call of ['handOver', 'takeOver']) {
      sockets[0].on('data', () => {
        const promise = call === 'handOver' ? server.handOver(sockets[1]) : sunpath.takeOver(sockets[1]);
        promise.then(reject, error => refused.push(`${call} ${error.code}`));
      });
    }
    sockets[1].on('data', data => {
      got.push(String(data));
      server.handOver(sockets[1]).then(resolve, reject);
    });
  });
  for (const client of clients) client.write('x');
  const taken = await sunpath.takeOver(clients[1]);
  await handed;
  assert.deepStrictEqual(refused, ['handOver ERR_INVALID_STATE', 'takeOver ERR_INVALID_STATE']);
  assert.deepStrictEqual(got, ['x']);
  assert.strictEqual(taken.address, path);
  await taken.close();
  await server.close();
});

test('a socket that has read what nobody has taken yet is not handed over', async t => {
  const { clients: [client], sockets: [socket] } = await pairs(t, 1);
  const server = await sunpath.listen(socketPath());
  socket.read(0);
  client.write('x');
  await until(() => socket.readableLength === 1);
  await assert.rejects(server.handOver(socket), { code: 'ERR_INVALID_STATE', message: /input of it was read/ });
  assert.strictEqual(String(socket.read()), 'x');
  const taken = sunpath.takeOver(client);
  await server.handOver(socket);
  await (await taken).close();
  await server.close();
});

test('what is told is not said to wait, also when the room for it is full', async t => {
  const { clients, sockets } = await pairs(t, 32);
  const seen = [];
  for (const socket of sockets) socket.on('data', () => seen.push(socket[kHandle].hasInput()));
  for (const client of clients) client.write(Buffer.alloc(2000));
  await until(() => seen.length === 32);
  assert.deepStrictEqual(seen, Array(32).fill(false));
});

for (const [how, last, code] of [
  ['nothing follows', () => {}, undefined],
  ['more is written', socket => socket.write('last'), undefined],
  ['more is written with a callback', (socket, callback) => socket.write('last', callback), 'EPIPE'],
  ['it ends', (socket, callback) => socket.end(callback), 'EPIPE'],
]) {
  test(`a socket whose collected output cannot be sent fails as it does without, once: ${how}`, async t => {
    const { clients, sockets } = await pairs(t, 2);
    const seen = [];
    for (const event of ['error', 'finish', 'close']) sockets[1].on(event, value => seen.push(event, value?.code ?? value));
    const called = [];
    sockets[0].on('data', () => {
      clients[1].destroy();
      for (let i = 0; i < 4; i++) sockets[1].write(Buffer.alloc(8000));
      last(sockets[1], error => called.push(error?.code));
      sockets[0].write('done');
    });
    clients[0].write('x');
    await Promise.all([once(clients[0], 'data'), until(() => seen.includes('close'))]);
    assert.deepStrictEqual(seen, ['error', 'EPIPE', 'close', true]);
    assert.deepStrictEqual(called, code === undefined ? [] : [code]);
  });
}

test('what is written does not wait for all the listeners when they take their time', async t => {
  const { clients, sockets } = await pairs(t, 3);
  const fds = clients.map(({ fd }) => fd); // asked for later it would send what is collected
  const got = Buffer.alloc(8);
  const told = [];
  sockets.forEach((socket, i) => socket.on('data', () => {
    told.push(i);
    if (told.length === 1) socket.write('progress');
    if (told.length === 2) for (const begin = Date.now(); Date.now() - begin < 5;);
    if (told.length === 3) fs.readSync(fds[told[0]], got); // EAGAIN when there is nothing
  }));
  for (const client of clients) client.write('x');
  await until(() => told.length === 3);
  assert.strictEqual(String(got), 'progress');
});

test('a write with a callback leaves at once, with what was written before it', async t => {
  const { clients: [client], sockets: [socket] } = await pairs(t, 1);
  const { fd } = client;
  const got = Buffer.alloc(16);
  const seen = [];
  socket.on('data', () => {
    socket.write('one ');
    socket.write('two', () => {});
    seen.push(String(got.subarray(0, fs.readSync(fd, got))));
  });
  client.write('x');
  await until(() => seen.length === 1);
  assert.deepStrictEqual(seen, ['one two']);
});

test('what a listener enters with AsyncLocalStorage is not there for other sockets', async t => {
  const storage = new AsyncLocalStorage();
  const { clients, sockets } = await pairs(t, 3);
  const seen = [];
  sockets.forEach((socket, i) => socket.on('data', () => {
    seen.push(storage.getStore());
    storage.enterWith(i);
  }));
  for (const client of clients) client.write('x');
  await until(() => seen.length === 3);
  assert.deepStrictEqual(seen, [undefined, undefined, undefined]);
});

test('input whose memory a listener transfers away is not lost to the others', async t => {
  const { clients, sockets } = await pairs(t, 4);
  const got = [];
  sockets.forEach(socket => socket.on('data', data => {
    got.push(String(data));
    structuredClone(data.buffer, { transfer: [data.buffer] });
  }));
  clients.forEach((client, i) => client.write(`message ${i}`));
  await until(() => got.length === 4);
  assert.deepStrictEqual(got, ['message 0', 'message 1', 'message 2', 'message 3']);
});

test('who does not read is not waited for: what it should get is queued, and write() says so', async t => {
  const { clients, sockets } = await pairs(t, 2);
  const chunk = Buffer.alloc(4000, 'c');
  let isFull = false;
  let n = 0;
  sockets[0].on('data', () => {
    for (let i = 0; i < 16 && !isFull; i++) {
      isFull = !sockets[1].write(chunk);
      n++;
    }
    sockets[0].write(Buffer.from('.'));
  });
  while (!isFull) {
    clients[0].write('x');
    await once(clients[0], 'data');
  }
  assert(sockets[1].writableLength >= sockets[1].writableHighWaterMark);
  assert(n < 1000);
  sockets[1].end();
  assert.strictEqual((await collect(clients[1])).length, n * chunk.length);
});

test('a listener that ends the process has sent what it wrote', async () => {
  const path = socketPath();
  const server = start(process.execPath, '-e', `
    const listening = require(process.argv[1]).listen(process.argv[2], socket => socket.on('data', () => {
      process.on('exit', () => socket.write(', and gone'));
      socket.write('good');
      process.nextTick(() => {
        socket.write('bye');
        process.exit();
      });
    }));
    listening.then(() => console.log('listening'));`, require.resolve('..'), path);
  await printed(server, 'listening');
  const client = await sunpath.connect(path);
  client.write('x');
  assert.strictEqual(String(await collect(client)), 'goodbye, and gone');
  assert.strictEqual(await server.ended, 0);
});
