// SPDX-License-Identifier: MIT
// A Socket does what net.Socket does on a pipe: each of these is done with both, and comes to the same.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');
const sunpath = require('..');
const { socketPath, turns } = require('./support');

async function pairOfOurs(path, options) {
  const server = await sunpath.listen(path, options);
  const arrived = once(server, 'connection');
  const client = await sunpath.connect(path, options);
  return { server, client, conn: (await arrived)[0] };
}

async function pairOfNode(path, options) {
  const server = net.createServer(options).listen(path);
  await once(server, 'listening');
  const arrived = once(server, 'connection');
  const client = net.connect({ path, ...options });
  await once(client, 'connect');
  return { server, client, conn: (await arrived)[0] };
}

// What comes of `run` with two connected sockets, as text.
async function outcome(connect, run, options) {
  const { server, client, conn } = await connect(socketPath(), options);
  for (const socket of [client, conn]) socket.gone = new Promise(resolve => { socket.once('close', resolve); });
  conn.on('error', () => {});
  const result = JSON.stringify(await run(client, conn), (key, value) => value === undefined ? 'undefined' : value, 1);
  client.destroy();
  conn.destroy();
  server.close();
  await Promise.all([client.gone, conn.gone]);
  return result;
}

function same(name, run, options = {}) {
  test(name, async () => {
    assert.strictEqual(await outcome(pairOfOurs, run, options), await outcome(pairOfNode, run, options));
  });
}

// Its events from now on, in order.
function events(socket, ...except) {
  const list = [];
  for (const name of ['end', 'finish', 'drain', 'timeout', 'pause', 'resume', 'close', 'error']) {
    if (!except.includes(name)) socket.on(name, value => list.push([name, value?.code ?? value]));
  }
  return list;
}

function refusal(call) {
  try {
    return call();
  } catch (error) {
    return [error.name, error.code];
  }
}

function state(socket) {
  const { readyState, pending, connecting, destroyed, timeout, bufferSize, bytesRead, bytesWritten, remoteAddress, localAddress,
    remoteFamily, remotePort, allowHalfOpen, readable, writable, writableLength, readableObjectMode } = socket;
  return { readyState, pending, connecting, destroyed, timeout, bufferSize, bytesRead, bytesWritten, remoteAddress, localAddress,
    remoteFamily, remotePort, allowHalfOpen, readable, writable, writableLength, readableObjectMode, address: socket.address(),
    isPaused: socket.isPaused() };
}

same('its state, open and closed', async client => {
  const open = state(client);
  client.destroy();
  await client.gone;
  return [open, state(client)];
});

same('what returns the socket', client =>
  [client.setNoDelay(), client.setKeepAlive(true, 5), client.ref(), client.unref(), client.setEncoding('utf8'), client.pause(),
    client.resume(), client.setTimeout(0), client.end()].map(returned => returned === client));

same('both ends end', async (client, conn) => {
  const seen = [events(client), events(conn)];
  conn.resume();
  client.resume().end('x');
  await Promise.all([client.gone, conn.gone]);
  return [seen, state(client), state(conn)];
});

same('destroyed with an error', async (client, conn) => {
  const seen = [events(client), events(conn)];
  conn.resume();
  client.destroy(Object.assign(new Error('x'), { code: 'MINE' }));
  await Promise.all([client.gone, conn.gone]);
  return seen;
});

same('destroyed without one', async (client, conn) => {
  const seen = [events(client), events(conn)];
  conn.resume();
  client.destroy();
  await Promise.all([client.gone, conn.gone]);
  return seen;
});

same('encodings', async (client, conn) => {
  let text = '';
  conn.setEncoding('utf8').on('data', chunk => { text += chunk; });
  client.write('68', 'hex');
  client.write('aGk=', 'base64');
  client.write(new Uint8Array([0xe2])); // the first byte of three
  client.write('gqw=', 'base64');
  client.write('ä', 'latin1');
  client.end('€', 'utf8');
  await once(conn, 'end');
  return text;
});

same('cork', async (client, conn) => {
  let nChunks = 0;
  conn.on('data', () => nChunks++);
  client.cork();
  for (let i = 0; i < 10; i++) client.write('x');
  const waiting = client.writableLength;
  client.uncork();
  client.end();
  await once(conn, 'end');
  return [nChunks, waiting, client.writableLength];
});

same('a write after the end', async (client, conn) => {
  const seen = events(client, 'finish');
  conn.resume();
  client.end();
  const error = await new Promise(resolve => { client.write('x', resolve); });
  await client.gone;
  return [error.code, seen];
});

same('a write after destroy()', async client => {
  const seen = events(client);
  client.destroy();
  const error = await new Promise(resolve => { client.write('x', resolve); });
  await client.gone;
  return [error.code, client.write('y'), seen];
});

same('end() a second time', async (client, conn) => {
  const seen = events(client);
  conn.resume();
  client.resume().end();
  const error = await new Promise(resolve => { client.end(resolve); });
  await client.gone;
  return [error?.code, seen];
});

same('arguments of a wrong type', client => {
  client.on('error', () => {});
  return [() => client.write(null), () => client.write(5), () => client.write({}), () => client.write([]),
    () => client.write('x', 'no such'), () => client.setTimeout('x'), () => client.setTimeout(-1), () => client.setTimeout(NaN),
    () => client.setTimeout(1, 'x'), () => client.end(5), () => client.setEncoding('no such')].map(refusal);
});

same('silence', async client => {
  const seen = events(client);
  const called = new Promise(resolve => { client.setTimeout(20, () => resolve('called')); });
  const { timeout } = client;
  const result = await called;
  client.setTimeout(0);
  return [result, timeout, client.timeout, client.destroyed, [...seen]];
});

same('half-open', async (client, conn) => {
  const seen = events(client);
  client.resume();
  conn.resume().end('x');
  await once(client, 'end');
  const half = state(client);
  client.end('late');
  await Promise.all([client.gone, conn.gone]);
  return [half, seen, conn.bytesRead];
}, { allowHalfOpen: true });

same('iteration, to the end and left early', async (client, conn) => {
  let text = '';
  client.write('abc');
  conn.end('def');
  for await (const chunk of client) text += chunk;
  for await (const chunk of conn) {
    text += chunk;
    break;
  }
  await conn.gone;
  return [text, conn.destroyed];
});

same('destroySoon()', async (client, conn) => {
  const seen = events(client);
  let n = 0;
  conn.on('data', chunk => { n += chunk.length; });
  client.write(Buffer.alloc(500000));
  client.destroySoon();
  await Promise.all([client.gone, conn.gone]);
  return [n, seen];
});

same('drain', async (client, conn) => {
  const isRoom = client.write(Buffer.alloc(3000000));
  const needed = client.writableNeedDrain;
  conn.resume();
  await once(client, 'drain');
  return [isRoom, needed, client.writableNeedDrain, state(client)];
});

same('counters', async (client, conn) => {
  conn.resume();
  client.write('abc');
  client.write('ü');
  const before = client.bytesWritten;
  client.end(Buffer.alloc(10));
  await once(conn, 'end');
  return [before, client.bytesWritten, conn.bytesRead];
});

same('pipe', async (client, conn) => {
  let n = 0;
  conn.pipe(conn);
  client.on('data', chunk => { n += chunk.length; }).end(Buffer.alloc(300000));
  await client.gone;
  return n;
});

same('pause and resume', async (client, conn) => {
  const seen = events(conn);
  conn.on('data', chunk => seen.push(String(chunk)));
  conn.pause();
  client.write('x');
  await turns(20);
  conn.resume();
  await once(conn, 'data');
  return [...seen];
});

same('high-water marks', client => [client.readableHighWaterMark, client.writableHighWaterMark]);
same('high-water marks that were asked for', client => [client.readableHighWaterMark, client.writableHighWaterMark], { highWaterMark: 5 });
