// SPDX-License-Identifier: MIT
// undici-client.js SOCKET - undici and node's own http client against an echo server; prints "ok" or throws.
'use strict';
const assert = require('node:assert');
const http = require('node:http');
const crypto = require('node:crypto');
const { Readable } = require('node:stream');
const { Pool, fetch, FormData } = require('undici');

const socketPath = process.argv[2];

async function whole(stream) {
    const pieces = [];
    for await (const piece of stream) {
        pieces.push(piece);
    }
    return Buffer.concat(pieces);
}

async function withUndici() {
    const pool = new Pool('http://localhost', { socketPath, connections: 4, pipelining: 8 });
    const bodies = Array.from({ length: 500 }, (_, i) => crypto.randomBytes((i * 7919) % 20000));
    await Promise.all(bodies.map(async (body) => {
        const { statusCode, body: answer } = await pool.request({ path: '/', method: 'POST', body });
        assert.strictEqual(statusCode, 200);
        assert.deepStrictEqual(await whole(answer), body);
    }));
    const large = crypto.randomBytes(8 << 20);
    const { body } = await pool.request({
        path: '/', method: 'PUT', body: Readable.from([large.subarray(0, 1 << 20), large.subarray(1 << 20)]),
    });
    assert.deepStrictEqual(await whole(body), large);
    for (let i = 0; i < 20; i++) {
        const head = await pool.request({ path: '/', method: 'HEAD' });
        assert.strictEqual(head.statusCode, 200);
        assert.strictEqual((await whole(head.body)).length, 0);
    }
    const form = new FormData();
    form.append('field', 'value');
    form.append('file', new Blob(['contents']), 'name.txt');
    const echoed = await fetch('http://localhost/', { method: 'POST', body: form, dispatcher: pool });
    const back = await echoed.text();
    assert.match(back, /name="field"\r\n\r\nvalue\r\n/);
    assert.match(back, /filename="name.txt"/);
    await pool.close();
}

async function withHttp() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
    const ask = (options, body) => new Promise((resolve, reject) => {
        const request = http.request({ socketPath, agent, ...options }, (response) => {
            whole(response).then((data) => resolve({ response, data }), reject);
        });
        request.on('error', reject);
        request.end(body);
    });
    for (let i = 0; i < 100; i++) {
        const { response, data } = await ask({ method: 'POST', path: `/${i}` }, `body ${i}`);
        assert.strictEqual(response.statusCode, 200);
        assert.strictEqual(data.toString(), `body ${i}`);
    }
    const { data } = await ask({ method: 'POST', path: '/', headers: { Expect: '100-continue' } }, 'expected');
    assert.strictEqual(data.toString(), 'expected');
    agent.destroy();
}

withUndici().then(withHttp).then(() => console.log('ok'));
