// SPDX-License-Identifier: MIT
// sunpath-node-echo.js - the echo and sink jobs on Sunpath's package for Node.js, as peer-node-echo.js has them on net,
// and the echo of packets.

const [addon, job, path] = process.argv.slice(2);
process.env.SUNPATH_NODE_BINARY = addon;
const sunpath = require('../node');

sunpath.listen(job === 'seqpacket' ? `seqpacket:${path}` : path, socket => {
    socket.on('error', () => socket.destroy());
    if (job !== 'sink')
        socket.on('data', data => socket.write(data));
    else
        socket.on('data', () => {});
});
