// SPDX-License-Identifier: MIT
// jsonrpc-client.js PATH COUNT - the JSON-RPC library of language servers against an echo of its frames:
// every notification comes back. Prints "ok".
'use strict';
const assert = require('node:assert');
const net = require('node:net');
const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = require('vscode-jsonrpc/node');

const [path, count] = process.argv.slice(2);
const socket = net.connect(path, () => {
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    let n = 0;
    connection.onNotification('echo', (text) => {
        assert.strictEqual(text, `größer ${'x'.repeat(n * 37 % 5000)}`);
        n++;
        if (n === Number(count)) {
            console.log('ok', n);
            process.exit(0);
        }
    });
    connection.listen();
    for (let i = 0; i < Number(count); i++) {
        connection.sendNotification('echo', `größer ${'x'.repeat(i * 37 % 5000)}`);
    }
});
