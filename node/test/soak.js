// SPDX-License-Identifier: MIT
// soak.js - full load for as long as asked: byte echo, descriptors in messages, HTTP. Fails when memory or
// descriptors have grown after the first third of the time. Run by hand, against any build of the addon:
//
//   SUNPATH_NODE_BINARY=build/release/node/sunpath.node node --expose-gc node/test/soak.js 600
'use strict';

const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const sunpath = require('..');
const { nDescriptors, socketPath } = require('./support');

const seconds = Number(process.argv[2] ?? 60);
const counts = { bytes: 0, messages: 0, requests: 0, errors: 0 };
const MiB = 1024 * 1024;
let isOver = false;

async function echo(path) {
  while (!isOver) {
    const socket = await sunpath.connect(path);
    let rounds = 0;
    socket.on('error', () => counts.errors++);
    socket.on('data', data => {
      counts.bytes += data.length;
      if (++rounds > 200 || isOver) socket.destroy();
      else socket.write(data);
    });
    socket.write(Buffer.alloc(1000));
    await once(socket, 'close');
  }
}

async function pass(address) {
  while (!isOver) {
    const socket = await sunpath.connect(address);
    const answers = socket[Symbol.asyncIterator]();
    for (let i = 0; i < 100 && !isOver; i++) {
      const file = fs.openSync('/dev/null');
      await socket.send('x', { fds: [file] });
      fs.closeSync(file);
      await answers.next();
      counts.messages++;
    }
    socket.destroy();
  }
}

async function ask(path, method) {
  const agent = new http.Agent({ keepAlive: true });
  while (!isOver) {
    await new Promise(resolve => {
      const request = http.request({ socketPath: path, agent, method }, response => response.resume().on('end', resolve));
      request.on('error', () => resolve(counts.errors++));
      request.end(method === 'POST' ? 'body' : undefined);
    });
    counts.requests++;
  }
  agent.destroy();
}

function look() {
  gc();
  gc();
  return { rss: process.memoryUsage().rss, descriptors: nDescriptors() };
}

async function watch() {
  const begin = Date.now();
  let base;
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, Math.max(1000, seconds * 50)));
    const passed = (Date.now() - begin) / 1000;
    const now = look();
    console.log(`${passed.toFixed(0)} s: ${(now.rss / MiB).toFixed(1)} MiB, ${now.descriptors} descriptors, ${JSON.stringify(counts)}`);
    if (passed * 3 >= seconds) base ??= now;
    if (passed < seconds) continue;
    const hasGrown = now.rss > base.rss * 1.1 + 8 * MiB || now.descriptors > base.descriptors + 60;
    console.log(hasGrown ? 'it has grown' : 'flat');
    return hasGrown || counts.errors > 0 ? 1 : 0;
  }
}

async function main() {
  const bytes = await sunpath.listen(socketPath(), socket => socket.on('error', () => {}).on('data', data => socket.write(data)));
  const files = await sunpath.listen(`seqpacket:${socketPath()}`, { maxFds: 4, withInfo: true }, socket => {
    socket.on('error', () => {});
    socket.on('data', ({ fds }) => {
      for (const fd of fds) fd.close();
      socket.write('got it');
    });
  });
  const site = await sunpath.serve(socketPath(), async request => (request.method === 'POST' ? new Response(await request.text()) : 'hello'));
  for (let i = 0; i < 16; i++) echo(bytes.address);
  for (let i = 0; i < 8; i++) pass(files.address);
  for (let i = 0; i < 16; i++) ask(site.address, i % 2 ? 'POST' : 'GET');
  const status = await watch();
  isOver = true;
  process.exit(status);
}

main();
