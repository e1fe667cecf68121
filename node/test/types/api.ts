// SPDX-License-Identifier: MIT
// api.ts - what the types say of calls as users write them; compiled, never run.

import * as http from 'node:http';
import { pipeline } from 'node:stream/promises';
import sunpath from 'sunpath';
import { connect, listen, type Message, type MessageSocket, type Socket } from 'sunpath';
import { DgramSocket, SeqpacketServer, SeqpacketSocket, closeFd, createReuseportFd, type NotifyCb, type SendCb } from 'sunpath/node-unix-socket';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function is<T extends true>(): T | void {}

export async function streams(signal: AbortSignal) {
  await using server = await listen('/run/app.sock', { mode: 0o660, group: 'staff', allow: ['uid=0'], signal }, socket => {
    is<Same<typeof socket, Socket>>();
    socket.pipe(socket);
  });
  for await (const socket of server) {
    is<Same<typeof socket, Socket>>();
    const uid: number | undefined = socket.peer.uid;
    socket.write(`you are ${uid}`);
  }
  const socket = await connect('unix:/run/app.sock', { timeout: 1000, wait: true, expectUser: 'www-data', signal });
  is<Same<typeof socket, Socket>>();
  await pipeline(socket, process.stdout);
  await server.handOver(socket, { timeout: 100 });
  // @ts-expect-error: milliseconds
  await connect('/run/app.sock', { timeout: '1s' });
  // @ts-expect-error: no such option
  await listen('/run/app.sock', { modes: 0o660 });
}

export async function messages() {
  const a = await connect('seqpacket:/run/app.sock');
  is<Same<typeof a, MessageSocket<Buffer>>>();
  const b = await connect('/run/app.sock', { framing: 'u32', withInfo: true, maxFds: 2 });
  is<Same<typeof b, MessageSocket<Message>>>();
  for await (const { data, fds, sender } of b) {
    await a.send(data, { fds, to: sender });
    for (const each of fds) each.close();
  }
  a.on('data', data => data.toString('hex'));
  await listen('seqpacket:/run/app.sock', connection => connection.on('data', (data: Buffer) => connection.write(data)));
  await using socket = await sunpath.bind('dgram:/run/log.sock', { mode: 0o666, withInfo: true, credentials: true });
  for await (const message of socket) is<Same<typeof message, Message>>();
  // @ts-expect-error: not a framing
  await connect('/run/app.sock', { framing: 'u33' });
}

export async function web() {
  const server = await sunpath.serve('/run/app.sock', { maxBody: 1024, accessLog: true }, async (request, { peer }) => {
    if (request.method === 'POST') return new Response(await request.text());
    return { status: 404, headers: { 'x-uid': peer.uid }, body: 'none' };
  });
  await server.close({ timeout: 100 });
  await sunpath.serve(['/run/a.sock', 'tcp:127.0.0.1:0'], () => 'hello');
  const adopted = await sunpath.httpListen(http.createServer(), '/run/b.sock', { mode: '660' });
  is<Same<typeof adopted.maxHeadersCount, number | null>>();
  const response = await sunpath.fetch('http+unix://%2Frun%2Fapp.sock/', { dispatcher: new sunpath.Dispatcher() });
  response satisfies Response;
  // @ts-expect-error: a number is no answer
  await sunpath.serve('/run/app.sock', () => 42);
}

export async function seeing() {
  for (const { socket, state, owners } of await sunpath.list()) console.log(socket, state, owners[0]?.pid);
  const { reason, fix } = await sunpath.doctor('/run/app.sock', { user: 'nobody' });
  console.log(reason, fix, sunpath.parseAddress('@name').bytes, sunpath.reusePort(8080, '::1'));
}

export function upstream(done: NotifyCb, sent: SendCb) {
  const server = new SeqpacketServer();
  server.on('connection', (socket, peerName: string) => socket.on('data', buf => socket.write(buf, 0, buf.length, done)));
  server.listen('/run/app.sock', 100);
  const socket = new SeqpacketSocket();
  socket.connect('/run/app.sock', done);
  const dgram = new DgramSocket();
  dgram.on('data', (buf, path) => dgram.sendTo(buf, 0, buf.length, path, sent));
  closeFd(createReuseportFd(0, '127.0.0.1'));
}
