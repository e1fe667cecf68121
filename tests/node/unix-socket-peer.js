// SPDX-License-Identifier: MIT
// unix-socket-peer.js server|client KIND PATH [COUNT] - messages with node-unix-socket: KIND is seqpacket or
// dgram. The server sends every message back; the client checks what comes back and prints "ok".
'use strict';
const assert = require('node:assert');
const crypto = require('node:crypto');
const { SeqpacketServer, SeqpacketSocket, DgramSocket } = require('node-unix-socket');

const [role, kind, path, count] = process.argv.slice(2);

function serve() {
    if (kind === 'seqpacket') {
        const server = new SeqpacketServer();
        server.on('connection', (socket) => {
            socket.on('data', (message) => socket.write(message));
            socket.on('end', () => socket.end());
        });
        server.listen(path);
    } else {
        const socket = new DgramSocket();
        socket.on('data', (message, from) => socket.sendTo(message, 0, message.length, from));
        socket.bind(path);
    }
    console.log('listening');
}

function run() {
    let n = 0;
    let sent;
    let send;
    const next = () => {
        if (n === Number(count)) {
            console.log('ok', n);
            process.exit(0);
        }
        n++;
        sent = crypto.randomBytes(1 + crypto.randomInt([20, 300, 2000, 60000][n % 4]));
        send(sent);
    };
    const onData = (message) => {
        assert.ok(sent.equals(message), `message ${n} came back changed`);
        next();
    };
    if (kind === 'seqpacket') {
        const socket = new SeqpacketSocket();
        send = (message) => socket.write(message);
        socket.on('data', onData);
        socket.connect(path, next);
    } else {
        const socket = new DgramSocket();
        send = (message) => socket.sendTo(message, 0, message.length, path);
        socket.on('data', onData);
        socket.bind(`${path}.client`);
        next();
    }
}

(role === 'server' ? serve : run)();
