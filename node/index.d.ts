// SPDX-License-Identifier: MIT
// index.d.ts - the package's API, by hand. `./dev docs` makes a reference of it.

/// <reference types="node" />

import { EventEmitter } from 'node:events';
import { Server as NetServer } from 'node:net';
import { Duplex } from 'node:stream';

// ---- errors ----------------------------------------------------------------------------------------------------

/** What every failed system call is told by. */
export interface SystemError extends Error {
  /** `'ECONNREFUSED'` */
  code: string;
  /** `-111` */
  errno: number;
  /** The step that failed: `'connect'`, `'bind'`, `'lock'` ... */
  syscall: string;
  /** The socket's path, or */
  path?: string;
  /** its name when it is none. */
  address?: string;
  /** Why, as far as the machine can know, in a word: `'stale'`, `'missing'`, `'permission'`, `'in-use'`, `'backlog-full'` ... */
  hint?: string;
}

// ---- addresses -------------------------------------------------------------------------------------------------

export type SocketType = 'stream' | 'seqpacket' | 'dgram';

/** What an address says. Which fields there are depends on its kind. */
export interface ParsedAddress {
  kind: 'path' | 'abstract' | 'fd' | 'systemd' | 'tcp';
  type: SocketType;
  /** The address named its type. */
  isTyped: boolean;
  /** The path, the abstract name or systemd's name. */
  name?: string;
  /** Of an abstract name: its bytes. */
  bytes?: Buffer;
  /** Of an abstract name: padded with NULs to 108 bytes. */
  isPadded?: boolean;
  /** Of an abstract name: the kernel chooses one. */
  isAuto?: boolean;
  fd?: number;
  host?: string;
  port?: number;
  /** The HTTP target behind it. */
  uri?: string;
}

/**
 * Reads an address: `/run/app.sock`, `./app.sock`, `@abstract`, `unix:PATH`, `seqpacket:PATH`, `dgram:PATH`, `fd:3`,
 * `systemd:NAME`, `tcp:HOST:PORT`, `http+unix://%2Frun%2Fapp.sock/uri` ... Throws a {@link SystemError} that says what was
 * probably meant.
 */
export function parseAddress(text: string): ParsedAddress;

/** The canonical spelling, which parses back to the same address. */
export function formatAddress(parts: Partial<ParsedAddress> & Pick<ParsedAddress, 'kind'>): string;

// ---- who and what ----------------------------------------------------------------------------------------------

/**
 * The process at the other end, as the kernel noted it when the connection was made. What cannot be known is
 * `undefined`. Everything is asked for when it is first looked at.
 */
export class Peer {
  private constructor();
  /** 0 when it lives outside this process's pid namespace. */
  readonly pid: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly isOutsidePidNamespace: boolean | undefined;
  /** Its ids have no name in this user namespace and mean nothing. */
  readonly isUnmapped: boolean | undefined;
  /** Its supplementary groups. */
  readonly groups: number[] | undefined;
  /** The program it runs now: good to show, no proof. */
  readonly exe: string | undefined;
  /** Its security label. */
  readonly label: string | undefined;
  toJSON(): { pid?: number; uid?: number; gid?: number; groups?: number[]; exe?: string; label?: string };
}

/** A descriptor that JavaScript owns: closed by `close()`, by `using`, or when it is forgotten and collected. */
export class Descriptor {
  /** Owns `fd` from here on. */
  constructor(fd: number);
  /** -1 when it is closed or was taken. */
  readonly fd: number;
  /** Of a pidfd on a kernel before Linux 6.5: the process may be another one by now. */
  readonly isRacy?: boolean;
  /** The number, which is the caller's to close from then on. */
  take(): number;
  close(): void;
  [Symbol.dispose](): void;
}

// ---- listening -------------------------------------------------------------------------------------------------

/** Who may connect: `'uid=N'`, `'user=NAME'`, `'gid=N'`, `'group=NAME'` or `'exe=/absolute/path'`. */
export interface AccessOptions {
  /** With any, only peers that match one may come in. */
  allow?: string[];
  /** Peers that match one may not. */
  deny?: string[];
}

/** How an address is published. */
export interface PublishOptions extends AccessOptions {
  /** What the address does not say itself; `'stream'` by default. */
  type?: SocketType;
  /** Exact permission bits of the file, whatever the umask: `0o660` or `'660'`; 0o600 by default. */
  mode?: number | string;
  /** The file's owner: a user's name or number. */
  owner?: string | number;
  /** The file's group: a name or number. */
  group?: string | number;
  /** Connections that wait to be accepted: 4096 by default, -1: none. */
  backlog?: number;
  /** TCP: several processes share the port. */
  reusePort?: boolean;
  /** SO_SNDBUF, in bytes. */
  sendBuffer?: number;
  /** SO_RCVBUF, in bytes. */
  receiveBuffer?: number;
  /** Messages say who sent them: `credentials` of {@link Message}. Needs `withInfo`. */
  credentials?: boolean;
}

/** What streams take, of Node's own. */
export interface StreamOptions {
  /** Writing goes on after the peer has ended; otherwise that ends this side, too. */
  allowHalfOpen?: boolean;
  /** Of byte streams: bytes; of message streams: messages. */
  highWaterMark?: number;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
}

/** What keeps the messages of a byte stream apart. `'u16'` is `'u16be'`, and so on. */
export type Framing = 'line' | 'nul' | 'u8' | 'u16' | 'u32' | 'u64' | 'u16be' | 'u16le' | 'u32be' | 'u32le' | 'u64be' | 'u64le'
  | 'varint' | 'netstring' | 'content-length';

/** Of message streams. */
export interface MessageOptions extends StreamOptions {
  /** Makes a message stream of a byte stream. */
  framing?: Framing;
  /** With `framing: 'line'`: a CR before the LF does not count. */
  dropCr?: boolean;
  /** Bytes of the largest message that is received. */
  maxMessage?: number;
  /** Bytes that wait to be sent, at most. */
  maxQueue?: number;
  /** Milliseconds without a message after which it is over (ETIMEDOUT). */
  idle?: number;
  /** Descriptors that a message may bring, up to 253; by default none is let in. Needs `withInfo`. */
  maxFds?: number;
  /** Yields {@link Message} objects instead of Buffers. */
  withInfo?: boolean;
  /** Messages say who sent them. Needs `withInfo`. */
  credentials?: boolean;
}

export interface ListenOptions extends PublishOptions, MessageOptions {
  /** More connections than that are closed at once ('drop'). */
  maxConnections?: number;
  /** Closes the server. */
  signal?: AbortSignal;
}

/** Socket or MessageSocket: what connections to the address `A` with the options `O` are. */
export type Connection<A extends string, O> =
  O extends { framing: Framing } | { type: 'seqpacket' | 'dgram' } ? MessageSocket<MessageOf<O>>
    : O extends { type: 'stream' } ? Socket
      : A extends `seqpacket:${string}` | `dgram:${string}` ? MessageSocket<MessageOf<O>> : Socket;

export type MessageOf<O> = O extends { withInfo: true } ? Message : Buffer;

/**
 * Publishes `address` and accepts connections. The path is guarded by a lock as long as the server lives; a stale
 * file is replaced, a living server and what is no socket never are; when the name appears it already accepts, with its
 * final mode and owner; closing removes only what is still ours. Rejects with a {@link SystemError}.
 */
export function listen<A extends string>(
  address: A, onConnection: (connection: Connection<A, {}>) => void): Promise<Server<Connection<A, {}>>>;
export function listen<A extends string, const O extends ListenOptions = {}>(
  address: A, options?: O, onConnection?: (connection: Connection<A, O>) => void): Promise<Server<Connection<A, O>>>;

export interface TakeOverOptions extends AccessOptions, MessageOptions {
  type?: 'stream' | 'seqpacket';
  /** Milliseconds to wait for the other process: 10,000 by default. */
  timeout?: number;
  maxConnections?: number;
  signal?: AbortSignal;
}

/** Receives what {@link Server.handOver} gives at the other end of `socket`, which is used up as by that. */
export function takeOver(socket: Socket, onConnection: (connection: Socket) => void): Promise<Server<Socket>>;
export function takeOver<const O extends TakeOverOptions = {}>(
  socket: Socket, options?: O, onConnection?: (connection: Connection<string, O>) => void): Promise<Server<Connection<string, O>>>;

/** A published address, and the connections that come to it. */
export class Server<C = Socket> extends EventEmitter implements AsyncIterable<C> {
  private constructor();
  /** What is published, in its canonical spelling; for `tcp:HOST:0` with the port that the kernel chose. */
  readonly address: string;
  readonly type: SocketType;
  readonly listening: boolean;
  /** How many are open. */
  readonly connections: number;
  /** How many the access rules have turned away. */
  readonly refused: number;
  readonly fd: number;
  maxConnections: number | undefined;

  /** Accepts no more and removes the file; settles when the last connection has been closed. */
  close(callback?: (error?: Error) => void): Promise<void>;
  closeAllConnections(): void;
  /**
   * Gives the address to the process at the other end of `socket`, which calls {@link takeOver}: the same file and the same
   * backlog, so that no connect ever fails. Afterwards this server accepts no more; its open connections go on.
   * `socket` is used up, also when this fails; only when it has read input that nobody has taken yet, which would be lost, this
   * rejects with `ERR_INVALID_STATE` and nothing is changed. So `socket` is one that nobody reads, or that has said its say.
   */
  handOver(socket: Socket, options?: { timeout?: number }): Promise<void>;
  ref(): this;
  unref(): this;
  /** Every connection, those included that come while the loop's body runs; ends when the server is closed. */
  [Symbol.asyncIterator](): AsyncIterableIterator<C>;
  /** Closes the server and its connections. */
  [Symbol.asyncDispose](): Promise<void>;

  on(event: 'connection', listener: (connection: C) => void): this;
  /** A connection was closed at once: there were `maxConnections` already, or it could not be set up. */
  on(event: 'drop', listener: (error?: Error) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'close', listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

// ---- connecting ------------------------------------------------------------------------------------------------

export interface ConnectOptions extends MessageOptions {
  /** What the address does not say itself; `'stream'` by default. */
  type?: SocketType;
  /** Milliseconds for all of it, a full backlog included: 10,000 by default; Infinity: no limit. */
  timeout?: number;
  /** Waits, up to the timeout, also for a server that is not there yet. */
  wait?: boolean;
  /** The user the server must run as; nothing is sent to any other (EPERM). */
  expectUser?: string | number;
  /** The address of this end, for answers to datagrams. Its file is removed when the socket is destroyed. */
  bind?: string;
  sendBuffer?: number;
  receiveBuffer?: number;
  /** Ends the attempt, and destroys the socket afterwards. */
  signal?: AbortSignal;
}

/**
 * Connects to `address`. Rejects with a {@link SystemError} whose message says why: not "connection refused" but that the
 * file is stale and its server gone.
 */
export function connect<A extends string, const O extends ConnectOptions = {}>(address: A, options?: O): Promise<Connection<A, O>>;

export interface SocketOptions extends StreamOptions {
  /** A connected stream socket, owned from here on. */
  fd: number | Descriptor;
  signal?: AbortSignal;
}

/**
 * A connected byte stream: what a `net.Socket` on a pipe is, and who is at its other end.
 *
 * What a `'data'` listener writes without a callback leaves together when it is done, with what other sockets' listeners write in
 * the same turn of events; what is written with a callback, or outside listeners, leaves at once. So before a long synchronous
 * call (`execSync()`), and before the process kills or aborts itself, which loses what is collected, write with a callback.
 * `process.exit()` sends what was written.
 */
export class Socket extends Duplex {
  constructor(options: SocketOptions);
  /** `undefined` once it is closed. */
  readonly peer: Peer;
  /** Stands for the peer's process: poll it, or send it a signal by pidfd_send_signal(2). */
  openPeerPidfd(): Descriptor;
  /** -1 once it is closed. */
  readonly fd: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** `undefined` once it is closed. */
  readonly bufferSize: number | undefined;
  readonly connecting: false;
  /** Whether it is closed. */
  readonly pending: boolean;
  readonly readyState: 'open' | 'readOnly' | 'writeOnly' | 'closed';
  readonly timeout: number | undefined;
  /** 'timeout' after so many milliseconds without a byte either way; 0: never. */
  setTimeout(ms: number, callback?: () => void): this;
  /** Ends, and destroys once everything has been sent. */
  destroySoon(): void;
  address(): {};
  /** Does nothing, as on every Unix socket. */
  setNoDelay(noDelay?: boolean): this;
  /** Does nothing, as on every Unix socket. */
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
}

// ---- messages --------------------------------------------------------------------------------------------------

/** What `withInfo` yields. */
export interface Message {
  data: Buffer;
  /** What came along; whoever gets them closes them, or the collector does. */
  fds: Descriptor[];
  /** Of a datagram: where an answer goes; undefined when its sender has no name. */
  sender?: string;
  /** Who sent it, by the kernel's word. Only with `credentials`. */
  credentials?: { pid: number; uid: number; gid: number };
}

export type MessageData = string | NodeJS.ArrayBufferView;

export interface SendOptions {
  /** Descriptors to pass, at most 253; they stay the caller's. */
  fds?: (number | Descriptor | { readonly fd: number })[];
  /** Of a datagram: where to. */
  to?: string;
}

export interface MessageIterator<M> extends AsyncIterableIterator<M>, AsyncDisposable {
  [Symbol.asyncIterator](): MessageIterator<M>;
}

export interface MessageSocketOptions extends MessageOptions {
  /** A connected socket, owned from here on. */
  fd: number | Descriptor;
  signal?: AbortSignal;
}

/**
 * Whole messages over seqpacket, datagrams and framed byte streams: a Duplex in object mode. An empty message is a
 * message and not the end; what is too large is an error and never cut.
 */
export class MessageSocket<M = Buffer> extends Duplex {
  constructor(options: MessageSocketOptions);
  readonly type: SocketType;
  readonly peer: Peer;
  openPeerPidfd(): Descriptor;
  readonly fd: number;
  /** Of a socket from {@link bind}: what is published. */
  readonly address?: string;
  /** Bytes of the largest message that can be sent now. */
  readonly maxMessage: number;

  /** Settles when the kernel took the message, or did not; nothing else happens to the socket then. */
  send(data: MessageData, options?: SendOptions): Promise<void>;
  /** `callback` is called once, in order, when the kernel took it or with the error, which also destroys a connection. */
  write(message: MessageData | ({ data: MessageData } & SendOptions), callback?: (error?: Error | null) => void): boolean;
  /** The encoding does not count: strings are UTF-8. */
  write(message: MessageData | ({ data: MessageData } & SendOptions), encoding: unknown, callback?: (error?: Error | null) => void): boolean;
  destroySoon(): void;
  ref(): this;
  unref(): this;
  [Symbol.asyncIterator](): MessageIterator<M>;
  [Symbol.asyncDispose](): Promise<void>;

  on(event: 'data', listener: (message: M) => void): this;
  /** A message that arrived, or a datagram that was sent, did not get through. Without a listener that ends a connection. */
  on(event: 'lost', listener: (error: SystemError) => void): this;
  on(event: 'close', listener: (hadError: boolean) => void): this;
  on(event: 'end' | 'drain' | 'finish' | 'readable' | 'pause' | 'resume', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

export interface BindOptions extends PublishOptions, MessageOptions {
  framing?: undefined;
  signal?: AbortSignal;
}

/** A datagram socket that everybody whom its file lets in can send to, published as {@link listen} does it. */
export function bind<const O extends BindOptions = {}>(address: string, options?: O): Promise<MessageSocket<MessageOf<O>>>;

// ---- HTTP ------------------------------------------------------------------------------------------------------

/** What a handler may return beside a Response: a body, or an answer in short. */
export type Answer = Response | string | NodeJS.ArrayBufferView | ArrayBuffer | {
  /** 200 by default. */
  status?: number;
  headers?: Record<string, string | number | readonly string[] | undefined> | Iterable<readonly [string, string]>;
  body?: string | NodeJS.ArrayBufferView | ArrayBuffer | ReadableStream | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array> | null;
};

/** What a handler can know of a request beside the Request. */
export interface RequestInfo {
  readonly peer: Peer;
  readonly server: HttpServer;
  readonly httpVersion: '1.0' | '1.1';
}

export type Handler = (request: Request, info: RequestInfo) => Answer | Promise<Answer>;

export interface ServeOptions extends PublishOptions {
  /** Called with what a handler threw; what it returns is the answer, otherwise that is 500. By default it is shown. */
  onError?: (error: unknown, request: Request, info: RequestInfo) => Answer | void | Promise<Answer | void>;
  /** Bytes of a request's body. */
  maxBody?: number;
  /** Bytes of a request's head. */
  maxHead?: number;
  /** Header fields of a request. */
  maxHeaders?: number;
  /** Bytes of answers that a connection may have waiting. */
  maxOutput?: number;
  maxConnections?: number;
  /** Requests on one connection. */
  maxRequests?: number;
  maxConnectionsPerUid?: number;
  maxRequestsPerUidSecond?: number;
  /** What is past a limit of connections is closed instead of waiting. */
  dropsExcess?: boolean;
  /** Milliseconds; Infinity: no limit. */
  headTimeout?: number;
  bodyTimeout?: number;
  writeTimeout?: number;
  keepAliveTimeout?: number;
  answerTimeout?: number;
  /** Milliseconds that close() lets what is under way take: 10,000 by default. */
  drainTimeout?: number;
  /** The Server header. */
  serverName?: string;
  /** true: to standard error; a path; or both with a format. */
  accessLog?: boolean | string | { path?: string; fd?: number; format?: 'common' | 'combined' | 'json' };
}

/**
 * Serves HTTP on `address`, or on several, with the C engine and the web's handler: `(Request) => Response`. Apps with a
 * `fetch` method (Hono) are handlers, too.
 */
export function serve(address: string | string[], options: ServeOptions, handler: Handler | { fetch: Handler }): Promise<HttpServer>;
export function serve(address: string | string[], handler: Handler | { fetch: Handler }): Promise<HttpServer>;

export class HttpServer extends EventEmitter {
  private constructor();
  /** The first that is served. */
  readonly address: string;
  readonly addresses: string[];
  readonly listening: boolean;
  /** Takes no more connections, lets what is under way finish, and cuts off what is left after `timeout` milliseconds. */
  close(options?: { timeout?: number }): Promise<void>;
  /** Counts since the start. Throws after it was closed. */
  stats(): Record<string, number>;
  /** Opens the access log anew, after it was renamed. */
  reopenLog(): void;
  ref(): this;
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Lets an `http.Server`, a `net.Server`, an Express or a Fastify app listen on `address` as {@link listen} does. Connections have
 * a `peer`: in Express `request.socket.peer`. Settles with the server when it listens; its close() removes the file.
 */
export function httpListen<S extends NetServer>(server: S, address: string, options?: PublishOptions): Promise<S & { refused: number }>;
export function httpListen(app: ((...args: any[]) => unknown) | object, address: string, options?: PublishOptions): Promise<NetServer & { refused: number }>;

/**
 * For the primary of a cluster, before it forks: publishes `address`, and every worker that is forked from now on inherits it. There
 * listen(), serve() and httpListen() with the same address adopt it.
 */
export function clusterListen(address: string, options?: PublishOptions): { readonly address: string; close(): void; [Symbol.dispose](): void };

/** fetch() as npm's undici has it, for `http+unix://%2Frun%2Fapp.sock/uri`, too. Needs undici. */
export function fetch(input: string | URL | Request, init?: RequestInit & { dispatcher?: unknown }): Promise<Response>;

/**
 * A dispatcher for undici: with an address everything goes there, whatever the URL's host (`undici.request('http://localhost/', { dispatcher })`).
 * Without one it is for {@link fetch}, which it gives other connections or limits: undici itself refuses `http+unix:` URLs. Needs undici.
 */
export const Dispatcher: {
  new(address?: string, options?: { connect?: ConnectOptions; [option: string]: unknown }): any;
  new(options: { connect?: ConnectOptions; [option: string]: unknown }): any;
};

// ---- TCP -------------------------------------------------------------------------------------------------------

/** A TCP descriptor with SO_REUSEPORT, bound and not listening, for `net.Server.listen({ fd })`. */
export function reusePort(port?: number, host?: string): number;

// ---- seeing ----------------------------------------------------------------------------------------------------

/** The keys of `sunpath ls --json`. */
export interface SocketEntry {
  socket: string;
  state: 'listening' | 'bound' | 'stale' | 'unknown';
  type: SocketType | null;
  owners: { pid: number; fd: number; uid: number; name: string }[];
  mode: string | null;
  uid: number | null;
  gid: number | null;
  connections: number;
  waiting: number;
  backlog: number;
  shut: boolean;
  deleted: boolean;
  bound_name: string | null;
  inode: number;
  netns: number;
  other_netns: boolean;
}

export interface ListOptions {
  /** Where to look for stale files, too. */
  directories?: string[];
  /** Those, too, that the kernel named and nobody connects to. */
  all?: boolean;
}

/** All named Unix sockets of this machine. `hidden` counts what could not be looked into. */
export function list(options?: ListOptions): Promise<SocketEntry[] & { readonly hidden: { processes: number; namespaces: number } }>;

/** The keys of `sunpath doctor --json`. */
export interface Diagnosis {
  address: string;
  user: string | null;
  reason: string;
  errno: string | null;
  verdict: string;
  fix: string;
  findings: { grade: 'ok' | 'note' | 'bad' | 'unknown'; subject: string; detail: string }[];
}

/** Whether connecting would work and, if not, why and what to do. Nobody is disturbed. */
export function doctor(address: string, options?: { user?: string | number; type?: SocketType }): Promise<Diagnosis>;

/** Of the library. */
export const version: string;
