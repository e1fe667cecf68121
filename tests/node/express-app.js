// SPDX-License-Identifier: MIT
// express-app.js - what clients meet in the wild: uploads, redirects with cookies, compressed answers,
// files in parts, events. usage: express-app.js SOCKET FILE
const express = require('express'), multer = require('multer'), crypto = require('crypto'), zlib = require('zlib');
const [path, file] = process.argv.slice(2);
const app = express();
const sha = data => crypto.createHash('sha256').update(data).digest('hex');

app.post('/upload', multer().any(), (request, response) => response.json({
    fields: request.body, length: request.headers['content-length'] || null,
    files: request.files.map(f => [f.fieldname, f.originalname, f.mimetype, f.size, sha(f.buffer)]) }));
app.post('/login', express.urlencoded({ extended: false }), (request, response) => {
    response.cookie('session', request.body.user, { httpOnly: true, secure: true, path: '/', maxAge: 60000 });
    response.redirect('home');
});
app.get('/home', (request, response) => response.send(`hello ${request.headers.cookie || 'stranger'}`));
app.get('/away', (request, response) => response.redirect('https://example.org/'));
app.put('/moved', (request, response) => response.redirect(307, '/target'));
app.put('/target', express.raw({ type: () => true, limit: '10mb' }), (request, response) => response.send(sha(request.body)));
app.get('/compressed/:coding', (request, response) => {
    const encode = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync }[request.params.coding];
    response.set('Content-Encoding', request.params.coding).send(encode('hello compression '.repeat(10000)));
});
app.get('/file', (request, response) => response.sendFile(file));
// A connection that ends in the middle of the file, unless only the rest of it is asked for.
app.get('/half', (request, response) => {
    if (request.headers.range) return response.sendFile(file);
    const end = response.end, write = response.write;
    let n = 0;
    response.write = function (chunk, ...rest) {
        n += chunk.length;
        const sent = write.call(this, chunk, ...rest);
        if (n > 500000) setImmediate(() => request.socket.destroy());
        return sent;
    };
    response.sendFile(file);
});
app.get('/events', (request, response) => {
    const last = Number(request.headers['last-event-id'] || 0);
    if (last >= 6) return response.status(204).end();
    response.set('Content-Type', 'text/event-stream');
    response.write('retry: 20\n\n');
    for (let n = last + 1; n <= last + 2; n++) response.write(`id: ${n}\ndata: ${JSON.stringify({ n })}\n\n`);
    response.end();
});
const server = app.listen(path);
server.keepAliveTimeout = 200; // ms: kept connections go stale while a test looks
