// SPDX-License-Identifier: MIT
// express.js - an Express app on a safely published socket: one line instead of app.listen().
//
//   npm install express
//   node express.js /tmp/app.sock &
//   curl --unix-socket /tmp/app.sock http://localhost/whoami
'use strict';

const express = require('express');
const sunpath = require('sunpath');

const app = express();
app.get('/whoami', (request, response) => {
  const { pid, uid, exe } = request.socket.peer;
  response.json({ pid, uid, exe });
});

async function main() {
  // Only these users get a byte through; a stale file is replaced, a living server never.
  const server = await sunpath.httpListen(app, process.argv[2] ?? './app.sock', { mode: 0o666, allow: [`uid=${process.getuid()}`] });
  console.log(`serving on ${server.address()}`);
  process.once('SIGTERM', () => server.close());
}

main();
