// SPDX-License-Identifier: MIT
// fetch.js - fetch() over a Unix socket, here from a server of its own. With Docker it would be
// fetch('http+unix://%2Frun%2Fdocker.sock/version').
//
//   npm install undici
//   node fetch.js /tmp/app.sock
'use strict';

const sunpath = require('sunpath');

async function main() {
  const path = process.argv[2] ?? './app.sock';
  const server = await sunpath.serve(path, async request => Response.json({ got: await request.text() }));

  const url = `http+unix://${encodeURIComponent(path)}/inbox?from=me`;
  const response = await sunpath.fetch(url, { method: 'POST', body: 'a message' });
  console.log(response.status, response.url);
  console.log(await response.json());

  await server.close();

  try {
    await sunpath.fetch('http+unix://%2Fnonexistent%2Fapp.sock/');
  } catch (error) {
    console.log(error.cause.hint); // why: missing, stale, permission ...
  }
}

main();
