// SPDX-License-Identifier: MIT
// peer-node-unix-socket.js - the echo of packets on the package node-unix-socket.

const { createRequire } = require('module');
const { join } = require('path');
const [modules, path] = process.argv.slice(2);
const { SeqpacketServer } = createRequire(join(modules, 'x'))('node-unix-socket');

const server = new SeqpacketServer();
server.on('connection', socket => {
    socket.on('error', () => socket.destroy());
    socket.on('data', data => socket.write(data));
    socket.on('end', () => socket.destroy());
});
server.listen(path, 4096);
