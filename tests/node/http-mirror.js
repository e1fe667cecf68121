// SPDX-License-Identifier: MIT
// http-mirror.js SOCKET - the server of tests/interop/http-mirror.c on Node's http.
'use strict';

const http = require('http');

function fnv1a(bytes) {
    let hash = 2166136261;
    for (const byte of bytes) {
        hash = Math.imul(hash ^ byte, 16777619);
    }
    return (hash >>> 0).toString(16).padStart(8, '0');
}

function lines(raw) {
    let text = '';
    for (let i = 0; i < raw.length; i += 2) {
        text += `${raw[i]}: ${raw[i + 1]}\n`;
    }
    return text;
}

const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
        const body = Buffer.concat(pieces);
        const name = `${request.method} ${request.url}`;
        const text = Buffer.from(`${name} ${request.httpVersion}\n${lines(request.rawHeaders)}` +
            `${lines(request.rawTrailers)}${body.length} ${fnv1a(body)}\n`, 'latin1');
        response.writeHead(200, { 'X-Request': name, 'Content-Type': 'text/plain', 'Content-Length': text.length });
        response.end(text);
    });
});
// What Node answers by itself, with the reason added; and what came before is answered first.
const statuses = { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
    HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large', ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout' };
server.on('clientError', (error, socket) => setImmediate(() => {
    if (socket.writable) {
        socket.end(`HTTP/1.1 ${statuses[error.code] || '400 Bad Request'}\r\nConnection: close\r\n` +
            `X-Why: ${error.code} ${error.reason || ''}\r\n\r\n`);
    }
}));
server.httpAllowHalfOpen = true; // else what a half-closed client has asked for is not all answered
server.listen(process.argv[2]);
