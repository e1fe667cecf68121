// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const sunpath = require('..');
const { directory, nDescriptors, python, socketPath, start, turns, until } = require('./support');

const package_ = JSON.stringify(require.resolve('..'));

/* Serves, connects to itself and to the main thread, waits for a server that never comes, and says when all runs. */
const busy = `
const { workerData, parentPort } = require('node:worker_threads');
const sunpath = require(${package_});
(async () => {
  const server = await sunpath.listen(workerData.own, conn => conn.on('error', () => {}).pipe(conn));
  const clients = [await sunpath.connect(workerData.own), await sunpath.connect(workerData.main)];
  for (const client of clients) {
    client.on('error', () => {});
    client.on('data', data => client.write(data));
    client.write(Buffer.alloc(70000));
  }
  sunpath.connect(workerData.own + '.none', { wait: true, timeout: Infinity }).catch(() => {});
  sunpath.connect('tcp:192.0.2.1:9', { timeout: Infinity }).catch(() => {});
  const other = await sunpath.connect(workerData.main);
  server.handOver(await sunpath.connect(workerData.main), { timeout: Infinity }).catch(() => {});
  await new Promise(resolve => other.once('data', resolve).write('x'));
  parentPort.postMessage('runs');
})();`;

test('50 workers are created and terminated while the main thread serves', async () => {
  const main = socketPath();
  const server = await sunpath.listen(main, conn => conn.on('error', () => {}).on('data', data => conn.write(data)));
  const client = await sunpath.connect(main);
  let nAnswers = 0;
  client.on('data', () => { nAnswers++; client.write('ping'); });
  client.write('ping');
  await once(client, 'data');
  const before = nDescriptors();
  for (let batch = 0; batch < 10; batch++) {
    const workers = Array.from({ length: 5 }, (_, i) =>
      new Worker(busy, { eval: true, workerData: { main, own: `${directory}/worker-${batch}-${i}.sock` } }));
    await Promise.all(workers.map(async (worker, i) => {
      if (i !== 0) await once(worker, 'message'); // one of them is ended as it begins
      await worker.terminate();
    }));
    const seen = nAnswers;
    await until(() => nAnswers > seen, 'an answer');
  }
  await until(() => nDescriptors() <= before, 'the descriptors of the workers');
  client.destroy();
  await server.close();
});

test('a worker that ends by itself, or throws, leaves nothing open', async () => {
  const path = socketPath();
  const before = nDescriptors();
  for (const end of ['server.close(); client.destroy();', 'process.exit(0);', 'throw new Error("on purpose");',
    'server.unref(); client.unref(); conn.unref();']) {
    const worker = new Worker(`
      const { workerData } = require('node:worker_threads');
      const sunpath = require(${package_});
      (async () => {
        let conn;
        const server = await sunpath.listen(workerData, c => (conn = c).on('error', () => {}).pipe(c));
        const client = await sunpath.connect(workerData);
        client.on('error', () => {}).on('data', () => { ${end} });
        client.write('x');
      })();`, { eval: true, workerData: path });
    worker.on('error', () => {});
    await new Promise(resolve => worker.on('exit', resolve));
    await until(() => nDescriptors() <= before, 'the descriptors');
  }
});

test('10000 forgotten sockets are collected, and their descriptors closed', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  let nAccepted = 0;
  server.on('connection', () => nAccepted++);
  const before = nDescriptors();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 500; i++) await sunpath.connect(path);
    await until(() => nAccepted === (round + 1) * 500, 'the connections');
    await until(() => {
      global.gc();
      return nDescriptors() <= before + 2;
    }, 'the collector');
  }
  await until(() => server.connections <= 1, 'the count');
  await server.close();
});

test('a socket that somebody listens to is not collected', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const accepted = once(server, 'connection');
  const got = new Promise(resolve => {
    sunpath.connect(path).then(client => { client.on('data', resolve); }); // nothing but the listener keeps it
  });
  const [connection] = await accepted;
  for (let i = 0; i < 20; i++) {
    await turns(5);
    global.gc();
  }
  connection.write('still here');
  assert.strictEqual(String(await got), 'still here');
  server.closeAllConnections();
  await server.close();
});

test('what is written is sent, though the socket is forgotten', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, { allowHalfOpen: true });
  const arrived = once(server, 'connection');
  await (async () => { (await sunpath.connect(path)).end(Buffer.alloc(2000000)); })();
  global.gc();
  const [conn] = await arrived;
  let n = 0;
  conn.on('data', data => { n += data.length; global.gc(); });
  await once(conn, 'end');
  assert.strictEqual(n, 2000000);
  conn.destroy();
  await server.close();
});

test('promises and ticks run between two callbacks, as in Node', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path);
  const order = [];
  server.on('connection', conn => {
    conn.on('error', () => {});
    conn.on('data', data => {
      order.push(`data ${data}`);
      process.nextTick(() => order.push(`tick ${data}`));
      Promise.resolve().then(() => order.push(`promise ${data}`));
    });
  });
  const clients = [await sunpath.connect(path), await sunpath.connect(path)];
  await until(() => server.connections === 2);
  clients[0].write('a');
  clients[1].write('b');
  await until(() => order.length === 6);
  assert.deepStrictEqual(order, ['data a', 'tick a', 'promise a', 'data b', 'tick b', 'promise b']);
  for (const client of clients) client.destroy();
  await server.close();
});

test('AsyncLocalStorage: callbacks run where the socket was made', async () => {
  const path = socketPath();
  const storage = new AsyncLocalStorage();
  const seen = [];
  const server = await storage.run('server', () => sunpath.listen(path, conn => {
    seen.push(storage.getStore());
    conn.on('data', data => conn.write(data));
  }));
  await Promise.all(['one', 'two'].map(name => storage.run(name, async () => {
    const client = await sunpath.connect(path);
    client.write(name);
    await new Promise(resolve => client.on('data', data => {
      assert.strictEqual(storage.getStore(), name);
      assert.strictEqual(String(data), name);
      resolve();
    }));
    client.destroy();
  })));
  assert.deepStrictEqual(seen, ['server', 'server']);
  await server.close();
});

test('the process ends by itself when all is closed', async () => {
  const path = socketPath();
  const child = start(process.execPath, '-e', `
    const sunpath = require(${package_});
    (async () => {
      const server = await sunpath.listen(process.argv[1], conn => conn.pipe(conn));
      const client = await sunpath.connect(process.argv[1]);
      client.end('x');
      for await (const data of client) console.log(String(data));
      server.close();
    })();`, path);
  assert.strictEqual(await child.ended, 0);
  assert.strictEqual(child.output, 'x\n');
});

test('memory of input that is transferred away is written to no more', async () => {
  const path = socketPath();
  const server = await sunpath.listen(path, conn => conn.on('data', data => conn.write(data)));
  const client = await sunpath.connect(path);
  for (let i = 0; i < 100; i++) {
    client.write(`message ${i}`);
    const [data] = await once(client, 'data');
    assert.strictEqual(String(data), `message ${i}`);
    if (i % 5 === 0) structuredClone(data.buffer, { transfer: [data.buffer] }); // several inputs have it in common
    if (i % 10 === 0) global.gc();
  }
  client.destroy();
  await server.close();
});

test('large input that nobody keeps can be collected before the turn ends', async () => {
  const path = socketPath();
  let peak = 0;
  const server = await sunpath.listen(path, conn => conn.on('error', () => {}).on('data', () => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
  }));
  const before = process.memoryUsage().arrayBuffers;
  const child = python(`
sockets = []
for i in range(200):
    sockets.append(socket.socket(socket.AF_UNIX))
    sockets[-1].connect(sys.argv[1])
    sockets[-1].setblocking(False)
data, end = bytes(1 << 20), time.monotonic() + 2
while time.monotonic() < end:
    for one in sockets:
        try: one.send(data)
        except BlockingIOError: pass`, path);
  assert.strictEqual(await child.ended, 0);
  assert(peak - before < 85e6, `${peak - before} bytes`);
  server.closeAllConnections();
  await server.close();
});
