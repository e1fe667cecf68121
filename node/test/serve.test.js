// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { Readable } = require('node:stream');
const { test } = require('node:test');
const sunpath = require('..');
const { atRest, collect, nDescriptors, printed, socketPath, start, turns, until } = require('./support');

const options = { onError() {} };
// Where what a Response was made of cannot be seen, a HEAD does not wait to learn its length.
const oldResponse = Object.getOwnPropertySymbols(new Response('x')).length > 0;

async function serving(handler, use, more = {}) {
  const server = await sunpath.serve(socketPath(), { ...options, ...more }, handler);
  try {
    return await use(server.address, server);
  } finally {
    await server.close({ timeout: 0 });
  }
}

// One request by Node's own client: { status, headers, body }.
function ask(path, url = '/', { body, ...more } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: path, path: url, agent: false, ...more }, async response => {
      try {
        const got = await collect(response);
        resolve({ status: response.statusCode, headers: response.headers, raw: response.rawHeaders, body: String(got) });
      } catch (error) {
        reject(error);
      }
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Bytes said over a connection, and what is heard until it ends.
async function say(path, text) {
  const socket = net.connect(path);
  socket.end(text);
  return String(await collect(socket));
}

// A body that says when it is let go of, and what it was told then.
function watched() {
  let stream;
  const cancelled = new Promise(resolve => {
    stream = new ReadableStream({ pull: () => new Promise(() => {}), cancel: resolve });
  });
  return { stream, cancelled };
}

test('every kind of answer', async () => {
  const answers = {
    '/string': () => 'grüße',
    '/buffer': () => Buffer.from('bytes'),
    '/arraybuffer': () => new Uint8Array([104, 105]).buffer,
    '/object': () => ({ status: 201, headers: { 'X-A': 'b', 'Content-Type': 'a/b', 'Set-Cookie': ['a=1', 'b=2'] }, body: 'x' }),
    '/pairs': () => ({ headers: [['x-a', '1'], ['x-a', '2']], body: Buffer.from('y') }),
    '/response': () => new Response('text', { status: 202, headers: { 'x-a': 'b' } }),
    '/json': () => Response.json({ a: [1] }),
    '/bare': () => new Response(new Uint8Array([104, 105])),
    '/blob': () => new Response(new Blob(['bl', 'ob'], { type: 'x/y' })),
    '/stream': () => new Response(new Blob(['streamed']).stream()),
    '/generator': () => ({ body: (function* () { yield 'a'; yield Buffer.from('b'); })() }),
    '/readable': () => ({ body: Readable.from(['c', 'd']) }),
    '/length': () => ({ headers: { 'content-length': 4 }, body: Readable.from(['ab', 'cd']) }),
    '/empty': () => ({}),
    '/204': () => new Response(null, { status: 204 }),
    '/304': () => ({ status: 304, headers: { etag: '"x"' } }),
    '/redirect': () => Response.redirect('http://localhost/else', 307),
    '/cookies': () => new Response('', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }),
  };
  for (const isAsync of [false, true]) {
    const handler = request => {
      const make = answers[new URL(request.url).pathname];
      return isAsync ? new Promise(resolve => setImmediate(() => resolve(make()))) : make();
    };
    await serving(handler, async path => {
      const get = async url => {
        const { status, headers, body } = await ask(path, url);
        return [status, headers['content-type'], headers['content-length'], body];
      };
      const text = 'text/plain;charset=UTF-8';
      assert.deepStrictEqual(await get('/string'), [200, text, '7', 'grüße']);
      assert.deepStrictEqual(await get('/buffer'), [200, 'application/octet-stream', '5', 'bytes']);
      assert.deepStrictEqual(await get('/arraybuffer'), [200, 'application/octet-stream', '2', 'hi']);
      assert.deepStrictEqual(await get('/object'), [201, 'a/b', '1', 'x']);
      assert.deepStrictEqual((await ask(path, '/object')).headers['set-cookie'], ['a=1', 'b=2']);
      assert.strictEqual((await ask(path, '/pairs')).headers['x-a'], '1, 2');
      assert.deepStrictEqual(await get('/response'), [202, text, '4', 'text']);
      assert.deepStrictEqual(await get('/json'), [200, 'application/json', '9', '{"a":[1]}']);
      assert.deepStrictEqual(await get('/bare'), [200, undefined, '2', 'hi']);
      for (const [url, type, text] of [['/blob', 'x/y', 'blob'], ['/stream', undefined, 'streamed']]) {
        const { status, headers, body } = await ask(path, url);
        assert.deepStrictEqual([status, headers['content-type'], body], [200, type, text]);
      }
      assert.deepStrictEqual(await get('/generator'), [200, undefined, undefined, 'ab']);
      assert.deepStrictEqual(await get('/readable'), [200, undefined, undefined, 'cd']);
      assert.deepStrictEqual(await get('/length'), [200, undefined, '4', 'abcd']);
      assert.deepStrictEqual(await get('/empty'), [200, undefined, '0', '']);
      assert.deepStrictEqual(await get('/204'), [204, undefined, undefined, '']);
      assert.deepStrictEqual(await get('/304'), [304, undefined, undefined, '']);
      assert.strictEqual((await ask(path, '/redirect')).headers.location, 'http://localhost/else');
      assert.deepStrictEqual((await ask(path, '/cookies')).headers['set-cookie'], ['a=1', 'b=2']);
      for (const url of ['/string', '/buffer', '/length', ...(oldResponse ? ['/json'] : [])]) {
        const { status, headers, body } = await ask(path, url, { method: 'HEAD' });
        assert.deepStrictEqual([status, body], [200, '']);
        assert.strictEqual(headers['content-length'], (await ask(path, url)).headers['content-length'], url);
      }
    });
  }
});

test('the request is a Request', async () => {
  const handler = async request => {
    assert.ok(request instanceof Request);
    const { method, url, headers, bodyUsed, redirect, signal } = request;
    assert.strictEqual(bodyUsed, false);
    assert.ok(headers instanceof Headers);
    assert.strictEqual(request.headers, headers);
    assert.ok(signal instanceof AbortSignal);
    return JSON.stringify({ method, url, redirect, a: headers.get('x-a'), body: await request.text(), used: request.bodyUsed });
  };
  await serving(handler, async path => {
    const { body } = await ask(path, '/a/b?c=%20d', { method: 'PUT', headers: { Host: 'example.org:8080', 'X-A': 'b' }, body: 'hello' });
    assert.deepStrictEqual(JSON.parse(body), { method: 'PUT', url: 'http://example.org:8080/a/b?c=%20d', redirect: 'follow',
      a: 'b', body: 'hello', used: true });
    const latin = await say(path, Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nX-A:  b\xe9\t\r\nConnection: close\r\n\r\n', 'latin1'));
    assert.strictEqual(JSON.parse(latin.split('\r\n\r\n')[1]).a, 'b\xe9');
    assert.deepStrictEqual(JSON.parse((await ask(path)).body).body, '');
  });
});

test('its URL is what the URL standard makes of it', async () => {
  await serving(request => request.url, async path => {
    const url = async (target, host) => {
      const heard = await say(path, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      return heard.startsWith('HTTP/1.1 200') ? heard.split('\r\n\r\n')[1] : Number(heard.slice(9, 12));
    };
    for (const [target, host] of [['/', 'localhost'], ['/a/../b', 'x'], ['/a/%2e%2E/b', 'x'], ['/./', 'x'], ['//evil/x', 'good'],
      ['/a?b=..', 'x:80'], ['/a?b="c"|d', 'x:81'], ['/x', 'LOCALHOST'], ['/x', '0x7f.1'], ['/x', '[::1]:3000'], ['/x', 'xn--nxasmq6b'],
      ['/a.b/c.d?e=%2e', 'a.b'], ['/`{}', 'x'], ['/x;y=1,2', 'a-b.c_d'], ['/.x', 'x'], ['/x/.', 'x']]) {
      assert.strictEqual(await url(target, host), new URL(`http://${host}${target}`).href, `${target} at ${host}`);
    }
    assert.strictEqual(await url('http://other/x/../y', 'x'), 'http://other/y');
    assert.strictEqual(await url('/', 'x:99999'), 400);
    assert.strictEqual((await say(path, 'GET /old HTTP/1.0\r\n\r\n')).split('\r\n\r\n')[1], 'http://localhost/old');
    assert.match(await say(path, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'), /\r\n\r\nhttp:\/\/x\/$/);
  });
});

test('bodies are read in every way, small and large', async () => {
  const large = 'x'.repeat(300_000);
  const handlers = {
    '/text': async request => await request.text(),
    '/bytes': async request => new Uint8Array(await request.arrayBuffer()),
    '/blob': async request => new Response(await request.blob()),
    '/stream': request => new Response(request.body),
    '/count': async request => {
      let n = 0;
      for await (const chunk of request.body) n += chunk.length;
      return String(n);
    },
    '/clone': async request => {
      const [a, b] = await Promise.all([request.clone().text(), request.text()]);
      return String(a === b && a.length);
    },
    '/passed': async request => await new Request(request).text(),
    '/made': async request => await new Request('http://x/', request).text(),
    '/late': async request => {
      await turns(20);
      return await request.text();
    },
    '/twice': async request => {
      await request.text();
      return await request.text().then(() => 'read twice', error => error.name);
    },
  };
  const handler = request => handlers[new URL(request.url).pathname](request);
  await serving(handler, async path => {
    for (const body of ['', 'small', large]) {
      for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }, { Expect: '100-continue' }]) {
        for (const url of ['/text', '/bytes', '/blob', '/stream', '/passed', '/made', '/late']) {
          if (url === '/passed' && typeof Request.prototype.bytes === 'function') continue; // keeps what it is to itself
          const got = await ask(path, url, { method: 'POST', body, headers: headers['Transfer-Encoding'] ? headers : { 'Content-Length': body.length, ...headers } });
          assert.strictEqual(got.status, 200, `${url} ${got.body}`);
          assert.ok(got.body === body, `${url}: ${got.body.length} of ${body.length}, ${JSON.stringify(headers)}`);
        }
      }
      assert.strictEqual((await ask(path, '/clone', { method: 'POST', body })).body, String(body.length));
    }
    assert.strictEqual((await ask(path, '/count', { method: 'POST', body: large })).body, '300000');
    assert.strictEqual((await ask(path, '/twice', { method: 'POST', body: 'x' })).body, 'TypeError');
    assert.strictEqual((await ask(path, '/twice', { method: 'POST', body: large })).body, 'TypeError');
    assert.strictEqual((await ask(path, '/text', { method: 'POST', body: '\ufeffbom' })).body, 'bom');
  });
});

test('curl is served: forms, JSON, a body that waits for 100 Continue', async () => {
  const handler = async request => {
    if (request.headers.get('content-type')?.startsWith('multipart')) {
      const form = await request.formData();
      return `${form.get('a')} ${await form.get('f').text()}`;
    }
    return Response.json({ got: await request.json() });
  };
  await serving(handler, async path => {
    const curl = (...args) => {
      const child = start('curl', '-sS', '--unix-socket', path, 'http://localhost/', ...args);
      return child.ended.then(() => child.output);
    };
    const file = `${path}.txt`;
    fs.writeFileSync(file, 'of a file');
    assert.strictEqual(await curl('-F', 'a=b', '-F', `f=@${file}`), 'b of a file');
    assert.strictEqual(await curl('-d', '{"x": 1}'), '{"got":{"x":1}}');
    fs.writeFileSync(file, JSON.stringify('y'.repeat(200_000)));
    assert.strictEqual((await curl('-T', file, '-H', 'Expect: 100-continue')).length, 200_000 + 10);
  });
});

test('who is asking can be known', async () => {
  const handler = (request, info) => {
    assert.strictEqual(info.httpVersion, '1.1');
    assert.strictEqual(info.server.listening, true);
    return Response.json(info.peer);
  };
  await serving(handler, async path => {
    const child = start('curl', '-sS', '--unix-socket', path, 'http://localhost/');
    await child.ended;
    const peer = JSON.parse(child.output);
    assert.strictEqual(peer.pid, child.pid);
    assert.strictEqual(peer.uid, process.getuid());
    assert.strictEqual(peer.gid, process.getgid());
    assert.match(peer.exe, /\/curl$/);
  });
});

test('what is asked of a peer after the answer is not somebody else\'s', async () => {
  let info;
  await serving((request, one) => { info = one; return 'x'; }, async path => {
    await ask(path);
    assert.strictEqual(info.peer.pid, undefined);
    assert.strictEqual(info.peer.exe, undefined);
  });
});

test('a handler that fails is a 500, and onError may answer instead', async () => {
  const told = [];
  const handler = request => {
    if (request.url.endsWith('/sync')) throw new Error('sync');
    if (request.url.endsWith('/async')) return Promise.reject(new Error('async'));
    return { '/nothing': undefined, '/null': null, '/number': 1, '/status': { status: 99 }, '/type': { status: '200' },
      '/body': { body: 5 }, '/204': { status: 204, body: 'x' }, '/name': { headers: { 'a b': 'c' } }, '/value': { headers: { a: 'b\nc' } },
      '/nul': { headers: { a: 'b\0Set-Cookie\0c' } }, '/wide': { headers: { a: '\u010d\u010aSet-Cookie: x' } },
      '/error': Response.error(), '/headers': { headers: 'x' } }[new URL(request.url).pathname];
  };
  const onError = error => { told.push(error.message); };
  await serving(handler, async path => {
    for (const url of ['/sync', '/async', '/nothing', '/null', '/number', '/status', '/type', '/body', '/204', '/name', '/value', '/nul',
      '/wide', '/error', '/headers']) {
      const { status, body, headers } = await ask(path, url);
      assert.deepStrictEqual([url, status, body], [url, 500, 'Internal Server Error\n']);
      assert.strictEqual(headers['set-cookie'], undefined);
    }
    assert.strictEqual(told.length, 15);
    assert.deepStrictEqual(told.slice(0, 2), ['sync', 'async']);
  }, { onError });
  await serving(handler, async path => {
    assert.deepStrictEqual((await ask(path, '/sync')).body, 'sorry: sync');
    assert.deepStrictEqual((await ask(path, '/async')).status, 503);
  }, { onError: error => ({ status: 503, body: `sorry: ${error.message}` }) });
});

test('an answer that breaks off is not taken for whole', async () => {
  const handler = () => ({ body: (async function* () { yield 'some'; throw new Error('broken'); })() });
  await serving(handler, async path => {
    await assert.rejects(ask(path), { code: 'ECONNRESET' });
  });
});

test('a slow reader holds the source back, a slow source the writer', async () => {
  let n = 0;
  const piece = Buffer.alloc(64 * 1024);
  const handler = request => {
    if (request.method === 'GET') {
      return { body: (async function* () { for (; n < 1000; n++) yield piece; })() };
    }
    return new Promise(() => {}); // never reads
  };
  await serving(handler, async path => {
    const response = await new Promise(resolve => http.get({ socketPath: path, path: '/' }, resolve));
    await until(() => n > 0);
    await atRest(() => n);
    assert.ok(n < 100, `${n} pieces`);
    let size = 0;
    for await (const chunk of response) size += chunk.length;
    assert.strictEqual(size, 1000 * piece.length);

    const socket = net.connect(path);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n');
    let written = 0;
    const more = () => { while (socket.write(piece)) written += piece.length; };
    socket.on('drain', more);
    more();
    await until(() => socket.bytesWritten > 0);
    await atRest(() => written);
    assert.ok(written < 4 * 1024 * 1024, `${written} bytes`);
    socket.destroy();
  }, { maxBody: Infinity });
});

test('answers of any size pass through a small maxOutput', async () => {
  const text = 'ä'.repeat(400_000);
  const handlers = { '/string': () => text, '/later': async () => text, '/bytes': () => Buffer.from(text), '/response': () => new Response(text),
    '/stream': () => new Response(new Blob([text]).stream()) };
  for (const maxOutput of [4096, 65536, undefined]) {
    await serving(request => handlers[new URL(request.url).pathname](), async path => {
      for (const url of Object.keys(handlers)) {
        const got = await ask(path, url);
        assert.ok(got.body === text, `${url} ${maxOutput}: ${got.status}, ${got.body.length}`);
      }
    }, { maxOutput });
  }
});

test('headers are read, changed and passed on as those of the platform', async () => {
  const handler = request => {
    const { headers } = request;
    const real = new Headers([['a', '1'], ['b', ' x '], ['A', '2'], ['host', 'x'], ['connection', 'close']]);
    assert.ok(headers instanceof Headers);
    assert.deepStrictEqual([...headers], [...real]);
    assert.deepStrictEqual([...headers.keys()], [...real.keys()]);
    assert.deepStrictEqual([...headers.values()], [...real.values()]);
    assert.deepStrictEqual([headers.get('A'), headers.get('c'), headers.has('B'), headers.has('c')], ['1, 2', null, true, false]);
    assert.throws(() => headers.get('a b'), TypeError);
    assert.throws(() => headers.has(''), TypeError);
    assert.throws(() => headers.forEach(1), TypeError);
    assert.deepStrictEqual(headers.getSetCookie(), []);
    const seen = {};
    headers.forEach((value, name, all) => { seen[name] = value; assert.strictEqual(all, headers); });
    assert.deepStrictEqual(seen, Object.fromEntries(real));
    assert.deepStrictEqual([...new Headers(headers)], [...real]);
    assert.deepStrictEqual([...new Request('http://x/', { headers }).headers], [...real]);
    headers.set('a', '3');
    headers.append('d', '4');
    headers.delete('b');
    assert.deepStrictEqual([headers.get('a'), headers.get('d'), headers.get('b')], ['3', '4', null]);
    return JSON.stringify([...headers.keys()]);
  };
  await serving(handler, async path => {
    const heard = await say(path, 'GET / HTTP/1.1\r\na: 1\r\nB:  x \r\nA:2\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(heard, /\["a","connection","d","host"\]$/);
    assert.match(await say(path, 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 400/);
  });
});

test('a client that leaves aborts the signal and cancels the source', async () => {
  const events = [];
  const handler = request => {
    if (request.url.endsWith('/wait')) {
      return new Promise(resolve => request.signal.addEventListener('abort', () => {
        events.push(request.signal.reason.name);
        resolve('too late');
      }));
    }
    if (request.url.endsWith('/body')) return request.text().catch(error => { events.push(`body ${error.name}`); throw error; });
    let timer;
    return new Response(new ReadableStream({
      start(controller) { timer = setInterval(() => controller.enqueue(Buffer.from('tick')), 1); },
      cancel() { clearInterval(timer); events.push('cancelled'); },
    }));
  };
  await serving(handler, async (path, server) => {
    for (const [request, event] of [['GET /wait HTTP/1.1\r\nHost: x\r\n\r\n', 'AbortError'],
      ['GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n', 'cancelled'],
      ['POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome', 'body AbortError']]) {
      const socket = net.connect(path);
      socket.on('error', () => {});
      socket.write(request);
      await until(() => server.stats().inFlight === 1);
      if (event === 'cancelled') await once(socket, 'data');
      socket.destroy();
      await until(() => events.includes(event), event);
    }
    await until(() => server.stats().connections === 0);
    assert.strictEqual(server.pending.size, 0);
  }, { onError(error) { events.push(`error ${error.message}`); } });
  assert.strictEqual(events.filter(event => event.startsWith('error')).length, 0, events.join());
});

test('a body that is not read to its end is let go of', async () => {
  const opened = [];
  const file = () => {
    const stream = fs.createReadStream(__filename, { highWaterMark: 16 });
    opened.push(stream);
    return stream;
  };
  const handler = async request => {
    if (request.url.endsWith('/length')) return { headers: { 'Content-Length': 5 }, body: file() };
    await new Promise(resolve => request.signal.addEventListener('abort', resolve));
    return { body: file() };
  };
  await serving(handler, async (path, server) => {
    for (const url of ['/late', '/length']) {
      const socket = net.connect(path);
      socket.on('error', () => {}).resume();
      socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`);
      if (url === '/late') {
        await until(() => server.stats().inFlight === 1);
        socket.destroy();
      }
      await until(() => opened.length > 0, 'the answer');
      const stream = opened.pop();
      await until(() => stream.closed, `the file of ${url}`);
      socket.destroy();
    }
  });
});

test('requests do not see each other by AsyncLocalStorage', async () => {
  const { AsyncLocalStorage } = require('node:async_hooks');
  const storage = new AsyncLocalStorage();
  const handler = async request => {
    const before = storage.getStore();
    storage.enterWith(request.url);
    await null;
    return `${before} ${storage.getStore() === request.url}`;
  };
  await storage.run('outside', () => serving(handler, async path => {
    for (const url of ['/1', '/2', '/3']) assert.strictEqual((await ask(path, url)).body, 'outside true');
  }));
});

test('limits are kept', async () => {
  const handler = async request => String((await request.text()).length);
  await serving(handler, async path => {
    assert.strictEqual((await ask(path, '/', { method: 'POST', body: 'x'.repeat(1000) })).status, 200);
    assert.strictEqual((await ask(path, '/', { method: 'POST', body: 'x'.repeat(1001) })).status, 413);
    assert.strictEqual((await ask(path, '/', { method: 'POST', body: 'x'.repeat(1001), headers: { 'Transfer-Encoding': 'chunked' } })).status, 413);
    assert.match(await say(path, `GET /${'x'.repeat(2000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1.1 4(14|31) /);
    assert.match(await say(path, 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
    assert.match((await ask(path)).headers.server, /^test$/);
  }, { maxBody: 1000, maxHead: 1024, serverName: 'test' });
  await serving(() => new Promise(() => {}), async path => {
    assert.strictEqual((await ask(path)).status, 503);
  }, { answerTimeout: 20 });
});

test('close lets what is under way finish, and cuts it off in the end', async () => {
  let release;
  const handler = () => new Promise(resolve => { release = resolve; });
  const server = await sunpath.serve(socketPath(), handler);
  const path = server.address;
  const asked = ask(path);
  await until(() => release);
  const closed = server.close();
  assert.strictEqual(server.close(), closed);
  assert.strictEqual(server.listening, false);
  await until(() => !fs.existsSync(path));
  release('finished');
  assert.strictEqual((await asked).body, 'finished');
  await closed;
  assert.throws(() => server.stats(), { code: 'ERR_SERVER_NOT_RUNNING' });

  const other = await sunpath.serve(path, handler);
  release = undefined;
  const cut = assert.rejects(ask(path), { code: 'ECONNRESET' });
  await until(() => release);
  await other.close({ timeout: 10 });
  await cut;
  release('nobody hears it');
});

test('a server that is unreferenced does not keep the process', async () => {
  for (const [call, isLeft] of [['', false], ['.unref()', true], ['.unref().ref()', false]]) {
    const path = socketPath();
    const child = start(process.execPath, '-e', `require(${JSON.stringify(require.resolve('..'))})
      .serve(process.argv[1], () => 'x').then(server => { server${call}; console.log('up'); })`, path);
    await printed(child, 'up');
    if (!isLeft) {
      // It was idle each time that one of these came to it.
      for (let i = 0; i < 20; i++) assert.strictEqual((await ask(path)).body, 'x', call);
      child.kill();
    }
    await child.ended;
    assert.strictEqual(child.signalCode, isLeft ? null : 'SIGTERM', call);
  }
});

test('several addresses, modes, rules and the access log', async () => {
  const paths = [socketPath(), socketPath()];
  const log = `${paths[0]}.log`;
  const server = await sunpath.serve([...paths, 'tcp:127.0.0.1:0'], { accessLog: { path: log, format: 'json' } }, () => 'x');
  assert.deepStrictEqual(server.addresses.slice(0, 2), paths);
  assert.match(server.addresses[2], /^tcp:127\.0\.0\.1:[1-9]/);
  for (const path of paths) {
    assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600);
    assert.strictEqual((await ask(path, '/logged')).body, 'x');
  }
  const response = await fetch(`http://127.0.0.1:${server.addresses[2].split(':')[2]}/`);
  assert.strictEqual(await response.text(), 'x');
  await server.close({ timeout: 1000 });
  const lines = fs.readFileSync(log, 'utf8').trim().split('\n').map(line => JSON.parse(line));
  assert.deepStrictEqual(lines.map(line => line.target), ['/logged', '/logged', '/']);

  await serving(() => 'x', async path => {
    assert.strictEqual(fs.statSync(path).mode & 0o777, 0o660);
    await assert.rejects(ask(path), { code: /ECONNRESET|EPIPE/ });
  }, { mode: 0o660, deny: [`uid=${process.getuid()}`] });
});

test('an app with fetch is a handler, and the handler may come second', async () => {
  const server = await sunpath.serve(socketPath(), { name: 'app', async fetch() { return new Response(this.name); } });
  assert.strictEqual((await ask(server.address)).body, 'app');
  await server.close();
});

test('bad arguments are refused', async () => {
  const path = socketPath();
  const before = nDescriptors();
  for (const address of [undefined, null, 1, {}, [], [1], true]) {
    await assert.rejects(sunpath.serve(address, () => 'x'), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const handler of [undefined, null, 1, {}, 'x', []]) {
    await assert.rejects(sunpath.serve(path, {}, handler), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  }
  for (const name of ['maxHead', 'maxHeaders', 'maxOutput', 'maxConnections', 'maxRequests', 'maxConnectionsPerUid',
    'maxRequestsPerUidSecond', 'maxBody', 'headTimeout', 'bodyTimeout', 'writeTimeout', 'keepAliveTimeout', 'answerTimeout']) {
    for (const value of ['1', null, {}, [], true, 1n, Symbol('x')]) {
      await assert.rejects(sunpath.serve(path, { [name]: value }, () => 'x'), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, name);
    }
    for (const value of [0, -1, 1.5, NaN, 2 ** 60]) {
      await assert.rejects(sunpath.serve(path, { [name]: value }, () => 'x'), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }, name);
    }
  }
  for (const bad of [{ onError: 1 }, { mode: {} }, { backlog: '1' }, { allow: 'x' }, { allow: [1] }, { accessLog: 1 }, { serverName: 1 },
    { dropsExcess: 1 }, { accessLog: { format: 'x' } }, { accessLog: { fd: 'x' } }, { accessLog: { path: 1 } }]) {
    await assert.rejects(sunpath.serve(path, bad, () => 'x'), TypeError, JSON.stringify(bad));
  }
  await assert.rejects(sunpath.serve(path, { serverName: 'a\r\nb' }, () => 'x'), { code: 'EINVAL' });
  await assert.rejects(sunpath.serve(path, { accessLog: '/nonexistent/log' }, () => 'x'), { code: 'ENOENT' });
  await assert.rejects(sunpath.serve('seqpacket:/tmp/x', () => 'x'), { code: 'EPROTOTYPE' });
  await assert.rejects(sunpath.serve('nonsense', () => 'x'), { code: 'EINVAL' });
  const server = await sunpath.serve(path, () => 'x');
  assert.throws(() => server.close({ timeout: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => server.close(1), { code: 'ERR_INVALID_ARG_TYPE' });
  await assert.rejects(sunpath.serve(path, () => 'x'), { code: 'EADDRINUSE', path, hint: 'in-use' });
  await server.close();
  await until(() => nDescriptors() <= before + 8, 'descriptors'); // the loop's own
});

test('workers serve and end, the main thread goes on', async () => {
  const { Worker } = require('node:worker_threads');
  await serving(() => 'main', async path => {
    for (let i = 0; i < 10; i++) {
      const own = socketPath();
      const worker = new Worker(`
        const { parentPort, workerData } = require('node:worker_threads');
        require(workerData.package).serve(workerData.path, () => {
          if (i++ < 3) return 'worker';
          setImmediate(() => parentPort.postMessage('asked'));
          return new Promise(() => {});
        }).then(() => parentPort.postMessage('up'));
        let i = 0;`, { eval: true, workerData: { package: require.resolve('..'), path: own } });
      await once(worker, 'message');
      assert.strictEqual((await ask(own)).body, 'worker');
      assert.strictEqual((await ask(path)).body, 'main');
      await ask(own);
      await ask(own);
      const cut = assert.rejects(ask(own));
      await once(worker, 'message');
      await worker.terminate();
      await cut;
      assert.strictEqual(fs.existsSync(own), false);
    }
  });
});

test('a body that cannot be answered with is let go of', async () => {
  const bad = { status: [{ status: 99 }], name: [{ headers: { 'a b': 'c' } }], value: [{ headers: { a: '\n' } }], size: [{ headers: { a: 'x'.repeat(70000) } }] };
  for (const method of ['GET', 'HEAD']) {
    for (const [more] of Object.values(bad)) {
      const { stream, cancelled } = watched();
      await serving(() => ({ body: stream, ...more }), async path => {
        assert.strictEqual((await ask(path, '/', { method })).status, 500);
        await cancelled;
      });
    }
  }
});

test('a Response that has not begun when the client leaves is let go of', async () => {
  for (const handler of [give => give(), async give => give()]) {
    const { stream, cancelled } = watched();
    let isAsked = false;
    await serving(() => handler(() => {
      isAsked = true;
      return new Response(stream);
    }), async path => {
      const socket = net.connect(path);
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => isAsked, 'the request');
      await turns(3);
      socket.destroy();
      assert.strictEqual((await cancelled).message, 'The client has left');
    });
  }
});

test('a request that was answered never has the body of another', async () => {
  let first;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 }); // the engine counts up to 2,048 uses of a place
  await serving(async request => {
    if (request.method === 'GET') return 'ok';
    if (first) await assert.rejects(first.text(), TypeError);
    first ??= request;
    return 'ok';
  }, async path => {
    await ask(path, '/', { method: 'POST', body: 'one', agent });
    for (let i = 0; i < 2047; i++) await ask(path, '/', { agent });
    assert.strictEqual((await ask(path, '/', { method: 'POST', body: 'two', agent })).status, 200);
    agent.destroy();
  });
});

test('close() settles though nothing else keeps the process', async () => {
  const child = start(process.execPath, '-e', `require(${JSON.stringify(require.resolve('..'))}).serve(process.argv[1], () => '')
    .then(server => { const closed = server.unref().close(); server.unref(); return closed; }).then(() => console.log('closed'));`, socketPath());
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(child.output, 'closed\n');
});
