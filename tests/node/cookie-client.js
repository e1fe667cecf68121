// SPDX-License-Identifier: MIT
// cookie-client.js SOCKET - cookies signed by the server and by npm's cookie-signature, each read by the other; prints "ok".
'use strict';
const assert = require('node:assert');
const http = require('node:http');
const signature = require('cookie-signature');

const socketPath = process.argv[2];
const secret = 'a secret';

function ask(value, cookie) {
    return new Promise((resolve, reject) => {
        const headers = cookie ? { Cookie: `signed=${cookie}` } : {};
        http.get({ socketPath, path: `/?sign=${encodeURIComponent(value)}`, headers }, (answer) => {
            answer.resume();
            answer.on('end', () => resolve(answer.headers));
        }).on('error', reject);
    });
}

async function main() {
    for (const value of ['hello', '', 'a b; c="\u00e9"', 'x.y%41+', 'v'.repeat(1000)]) {
        const headers = await ask(value);
        const cookie = decodeURIComponent(/^signed=([^;]*)/.exec(headers['set-cookie'][0])[1]);
        assert.ok(cookie.startsWith('s:'));
        assert.strictEqual(signature.unsign(cookie.slice(2), secret), value);
    }
    for (const value of ['hello', 'x.y%41+', 'v'.repeat(1000)]) {
        const ours = encodeURIComponent('s:' + signature.sign(value, secret));
        assert.strictEqual((await ask('again', ours))['x-signed'], value);
        const theirs = encodeURIComponent('s:' + signature.sign(value, 'another secret'));
        assert.strictEqual((await ask('again', theirs))['x-signed'], 'none');
    }
    console.log('ok');
}

main();
