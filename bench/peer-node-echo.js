// SPDX-License-Identifier: MIT
// peer-node-echo.js - the echo and sink jobs on Node.js' net module.

const net = require('net');
const [job, path] = process.argv.slice(2);

const server = net.createServer(socket => {
    socket.on('error', () => socket.destroy());
    if (job === 'echo')
        socket.on('data', data => socket.write(data));
    else
        socket.on('data', () => {});
});
server.listen({ path, backlog: 4096 });
