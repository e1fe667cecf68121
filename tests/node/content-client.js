// SPDX-License-Identifier: MIT
// content-client.js SOCKET - compressed answers through undici, trailers both ways and hints through node's http.
'use strict';
const assert = require('node:assert');
const http = require('node:http');
const { Agent, fetch } = require('undici');

const socketPath = process.argv[2];

async function compressed() {
    const dispatcher = new Agent({ connect: { socketPath } });
    for (const [path, expected] of [
        ['/large', 'a line of text\n'.repeat(13334).slice(0, 200000)],
        ['/pieces', 'a piece of text\n'.repeat(3)],
    ]) {
        const answer = await fetch('http://localhost' + path, { dispatcher });
        assert.strictEqual(answer.headers.get('content-encoding'), 'gzip');
        assert.strictEqual(answer.headers.get('vary'), 'Accept-Encoding');
        assert.strictEqual(await answer.text(), expected);
    }
    await dispatcher.close();
}

function ask(options, send) {
    return new Promise((resolve, reject) => {
        const request = http.request({ socketPath, ...options }, (answer) => {
            answer.setEncoding('utf8');
            answer.text = '';
            answer.on('data', (piece) => { answer.text += piece; });
            answer.on('end', () => resolve(answer));
        });
        request.on('error', reject);
        request.on('information', (information) => { request.hints = information; });
        request.on('response', (answer) => { answer.hints = request.hints; });
        send(request);
    });
}

async function trailers() {
    const got = await ask({ path: '/pieces' }, (request) => request.end());
    assert.strictEqual(got.trailers['x-lines'], '3');
    const sent = await ask({ path: '/trailer', method: 'POST', headers: { Trailer: 'X-Sum' } }, (request) => {
        request.write('some body');
        request.addTrailers({ 'X-Sum': 'abc' });
        request.end();
    });
    assert.strictEqual(sent.text, 'X-Sum: abc\n');
}

async function hints() {
    const answer = await ask({ path: '/hints' }, (request) => request.end());
    assert.strictEqual(answer.hints.statusCode, 103);
    assert.match(answer.hints.headers.link, /style\.css/);
    assert.strictEqual(answer.headers.link, undefined);
    assert.strictEqual(answer.text, 'after hints\n');
}

(async () => {
    await compressed();
    await trailers();
    await hints();
    console.log('ok');
})().catch((error) => {
    console.error(error);
    process.exit(1);
});
