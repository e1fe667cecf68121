// SPDX-License-Identifier: MIT
// serve.js - an HTTP service on a Unix socket, with the handler that Deno, Bun and Cloudflare's workers have.
//
//   node serve.js /tmp/app.sock &
//   curl --unix-socket /tmp/app.sock http://localhost/whoami
//   curl --unix-socket /tmp/app.sock -d 'some text' http://localhost/upper
'use strict';

const sunpath = require('sunpath');

async function handler(request, info) {
  const { pathname } = new URL(request.url);
  if (pathname === '/') return 'hello, world\n'; // a string is the shortest answer
  if (pathname === '/whoami') return Response.json(info.peer); // the kernel says who is asking
  if (pathname === '/upper') return (await request.text()).toUpperCase();
  if (pathname === '/echo') return new Response(request.body); // streamed, as the client takes it
  if (pathname === '/ticks') return { headers: { 'Content-Type': 'text/plain' }, body: ticks(request.signal) };
  return { status: 404, body: `nothing at ${pathname}\n` };
}

// Ends when the client leaves.
async function* ticks(signal) {
  for (let i = 0; i < 3 && !signal.aborted; i++) {
    yield `tick ${i}\n`;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

async function main() {
  const server = await sunpath.serve(process.argv[2] ?? './app.sock', { mode: 0o660, maxBody: 64 * 1024 * 1024 }, handler);
  console.log(`serving on ${server.address}`);
  process.once('SIGTERM', () => server.close()); // what is under way is finished first
}

main();
