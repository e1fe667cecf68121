// SPDX-License-Identifier: MIT
// peer-node-http.js - the HTTP hello job on Node.js' http module.

const http = require('http');

const server = http.createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 13 });
    response.end('hello, world\n');
});
server.keepAliveTimeout = 600000;
server.listen({ path: process.argv[2], backlog: 4096 });
