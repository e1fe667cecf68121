// SPDX-License-Identifier: MIT
// What Node's own protocols do on our sockets.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const readline = require('node:readline');
const { test } = require('node:test');
const tls = require('node:tls');
const zlib = require('node:zlib');
const { pipeline } = require('node:stream/promises');
const sunpath = require('..');
const { collect, directory, socketPath, start } = require('./support');

test("Node's http server and client run on our sockets", async () => {
  const path = socketPath();
  const handler = http.createServer(async (request, response) => {
    const who = request.socket.peer.pid === process.pid ? 'me' : 'another';
    response.end(`${request.method} ${request.url} ${(await collect(request)).length} ${who}`);
  });
  const server = await sunpath.listen(path, conn => handler.emit('connection', conn));
  const agent = new http.Agent({ keepAlive: true });
  agent.createConnection = (options, callback) => { sunpath.connect(path).then(socket => callback(null, socket), callback); };
  const ask = size => new Promise((resolve, reject) => {
    const request = http.request({ agent, method: 'POST', path: `/${size}` }, async response =>
      resolve(String(await collect(response))));
    request.on('error', reject).end(Buffer.alloc(size));
  });
  assert.deepStrictEqual(await Promise.all([0, 10, 100000, 3000000].map(ask)),
    ['POST /0 0 me', 'POST /10 10 me', 'POST /100000 100000 me', 'POST /3000000 3000000 me']);
  agent.destroy();
  const curl = start('curl', '-sS', '--unix-socket', path, '-d', 'abc', 'http://localhost/curl');
  await curl.ended;
  assert.strictEqual(curl.output, 'POST /curl 3 another');
  server.closeAllConnections();
  await server.close();
});

test('HTTP/2 runs on our sockets', async () => {
  const path = socketPath();
  const handler = http2.createServer((request, response) => request.pipe(response));
  const server = await sunpath.listen(path, conn => handler.emit('connection', conn));
  const socket = await sunpath.connect(path);
  const session = http2.connect('http://localhost', { createConnection: () => socket });
  const bodies = await Promise.all([1, 1000, 500000].map(size => {
    const request = session.request({ ':method': 'POST' });
    request.end(Buffer.alloc(size));
    return collect(request);
  }));
  assert.deepStrictEqual(bodies.map(body => body.length), [1, 1000, 500000]);
  await new Promise(resolve => session.close(resolve));
  server.closeAllConnections();
  await server.close();
});

test('TLS runs on our sockets', async () => {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
    '-subj', '/CN=localhost', '-keyout', `${directory}/key.pem`, '-out', `${directory}/cert.pem`],
  { stdio: 'ignore', env: { ...process.env, LD_PRELOAD: '' } });
  const key = fs.readFileSync(`${directory}/key.pem`);
  const cert = fs.readFileSync(`${directory}/cert.pem`);
  const path = socketPath();
  // TLS ends each direction on its own, so what carries it must be able to
  const server = await sunpath.listen(path, { allowHalfOpen: true }, conn => {
    const secure = new tls.TLSSocket(conn, { isServer: true, key, cert });
    secure.pipe(secure);
  });
  const client = tls.connect({ socket: await sunpath.connect(path, { allowHalfOpen: true }), ca: cert, servername: 'localhost' });
  await once(client, 'secureConnect');
  client.end(Buffer.alloc(1000000, 's'));
  assert.strictEqual((await collect(client)).length, 1000000);
  server.closeAllConnections();
  await server.close();
});

test('lines, compression and files go through', async () => {
  const path = socketPath();
  const file = `${directory}/file`;
  fs.writeFileSync(file, Array.from({ length: 100000 }, (_, i) => `line ${i}\n`).join(''));
  const server = await sunpath.listen(path, conn =>
    pipeline(fs.createReadStream(file), zlib.createGzip(), conn).catch(() => {}));
  const client = await sunpath.connect(path);
  let n = 0;
  for await (const line of readline.createInterface({ input: client.pipe(zlib.createGunzip()) })) {
    assert.strictEqual(line, `line ${n++}`);
  }
  assert.strictEqual(n, 100000);
  await server.close();
});
