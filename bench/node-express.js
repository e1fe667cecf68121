// SPDX-License-Identifier: MIT
// node-express.js - the HTTP hello job on Express: behind httpListen() when an addon is named, else behind listen().

const http = require('http');

const [modules, path, addon] = process.argv.slice(2);
const express = require(`${modules}/express`);

const app = express();
app.get('*all', (request, response) => response.type('text/plain').send('hello, world\n'));
const server = http.createServer(app);
server.keepAliveTimeout = 600000;
if (addon) {
    process.env.SUNPATH_NODE_BINARY = addon;
    require('../node').httpListen(server, path);
} else {
    server.listen({ path, backlog: 4096 });
}
