// SPDX-License-Identifier: MIT
// server.js - Server: a published address and the connections that come to it; listen() and takeOver().
'use strict';

const { EventEmitter } = require('node:events');
const { closeSync } = require('node:fs');
const binding = require('./binding');
const errors = require('./errors');
const { parseAddress } = require('./address');
const { inherited } = require('./cluster');
const readOptions = require('./options');
const validate = require('./validate');
const messages = require('./message-socket');
const { kOnClose } = require('./connection');
const { Socket, checkStreamOptions, takeFd } = require('./socket');

const kOwner = Symbol('owner'); // of a handle: its Server
const kHandle = Symbol('handle');
const kConnections = Symbol('connections');
const kOptions = Symbol('options');
const kMake = Symbol('make');
const kClosed = Symbol('closed');

const asyncDispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

// What becomes of an accepted Descriptor, by the kind of socket: (fd, options) => the object users get.
const message = (fd, options) => new messages.MessageSocket({ ...options, fd, signal: undefined });
const makers = {
  stream: (fd, options) => new Socket({ ...options, fd, signal: undefined }),
  framed: message,
  seqpacket: message,
};
const checks = { stream: checkStreamOptions, framed: messages.checkOptions, seqpacket: messages.checkOptions };

// Connections that were forgotten, and closed for that, are no longer counted.
const forgotten = new FinalizationRegistry(({ server, entry }) => {
  const known = server.deref();
  if (known !== undefined) leave(known, entry);
});

// Servers that wait for their last connection, which may be one that nobody holds.
const closing = new Set();

/*
 * Events: 'connection' (socket), 'drop' (a connection past maxConnections was closed), 'error' (of a listener of
 * 'connection' that returned a promise), 'close'.
 */
class Server extends EventEmitter {
  constructor(handle, type, options) {
    super();
    this.maxConnections = options.maxConnections;
    this[kHandle] = handle;
    this[kOptions] = options;
    this[kMake] = makers[kindOf(type, options)];
    this[kConnections] = new Set(); // of WeakRef: who is forgotten may be collected
    this.address = handle.address();
    this.type = type;
    this[kClosed] = new Promise(resolve => this.once('close', resolve));
    handle[kOwner] = this;
    handle.listen();
    handle.accept(true);
  }

  get listening() { return this[kHandle] !== null; }
  get connections() { return this[kConnections].size; }
  // How many the access rules have turned away.
  get refused() { return this[kHandle]?.refused() ?? 0; }
  get fd() { return this[kHandle]?.fd() ?? -1; }

  ref() {
    this[kHandle]?.setRef(true);
    return this;
  }

  unref() {
    this[kHandle]?.setRef(false);
    return this;
  }

  // Accepts no more, and removes the file; settles when the last connection has been closed.
  close(callback) {
    validate.optional(validate.fn, callback, 'callback');
    if (callback) {
      if (this[kHandle] === null) process.nextTick(callback, errors.serverNotRunning());
      else this.once('close', callback);
    }
    stopListening(this);
    return this[kClosed];
  }

  closeAllConnections() {
    for (const entry of [...this[kConnections]]) {
      const connection = entry.deref();
      if (connection === undefined) leave(this, entry); // collected, which nobody was told yet
      else connection.destroy();
    }
  }

  /*
   * Gives the address to the process at the other end of the connection `socket`, which calls takeOver(): the same
   * file, the same backlog, so that no connect ever fails. Afterwards this server accepts no more, and its open
   * connections go on. `socket` is used up, unless it is refused because it has read input that nobody has taken.
   */
  async handOver(socket, options = {}) {
    if (!(socket instanceof Socket)) throw errors.invalidType('socket', 'an instance of Socket', socket);
    options = readOptions.known(options, 'timeout');
    const timeout = validate.optional(readOptions.duration, options.timeout, 'options.timeout') ?? 10000;
    if (this[kHandle] === null) throw errors.serverNotRunning();
    const fd = takeFd(socket, 'handOver');
    await new Promise((resolve, reject) => {
      try {
        this[kHandle].handOver(fd, timeout, error => error ? reject(error) : resolve());
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
    stopListening(this);
  }

  // Every connection, those included that come while the loop's body runs; ends when the server is closed.
  [Symbol.asyncIterator]() { return iterate(this); }

  async [asyncDispose]() {
    const closed = this.close();
    this.closeAllConnections();
    await closed;
  }
}

async function* iterate(server) {
  const waiting = []; // accepted, and not yet taken
  let wake = () => {};
  let failure;
  const take = connection => wake(waiting.push(connection));
  const fail = error => wake(failure = error);
  const stop = () => wake();
  if (!server.listening) return;
  server.on('connection', take).on('error', fail).once(kClosed, stop);
  try {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift();
      if (failure !== undefined) throw failure;
      if (!server.listening) return;
      await new Promise(resolve => { wake = resolve; });
    }
  } finally {
    server.removeListener('connection', take).removeListener('error', fail).removeListener(kClosed, stop);
    for (const connection of waiting) connection.destroy(); // whoever leaves the loop early never sees them
  }
}

function stopListening(server) {
  const handle = server[kHandle];
  if (handle === null) return;
  server[kHandle] = null;
  handle.close();
  server.emit(kClosed);
  closing.add(server);
  if (server[kConnections].size === 0) process.nextTick(emitClose, server);
}

// A connection of the server is gone.
function leave(server, entry) {
  server[kConnections].delete(entry);
  if (server[kHandle] === null && server[kConnections].size === 0) process.nextTick(emitClose, server);
}

function emitClose(server) {
  closing.delete(server);
  if (!server.closed) {
    server.closed = true;
    server.emit('close');
  }
}

// `this` is a handle.
function onAccept(fd) {
  const server = this[kOwner];
  const connections = server[kConnections];
  if (server.maxConnections !== undefined && connections.size >= server.maxConnections) {
    fd.close();
    server.emit('drop');
    return;
  }
  let socket;
  try {
    socket = server[kMake](fd, server[kOptions]);
  } catch (error) {
    fd.close(); // no memory for it, as a rule: the server goes on
    server.emit('drop', error);
    return;
  }
  const entry = new WeakRef(socket);
  connections.add(entry);
  forgotten.register(socket, { server: new WeakRef(server), entry });
  socket[kOnClose] = () => leave(server, entry);
  server.emit('connection', socket);
}

function closeOnAbort(server, signal) {
  if (signal === undefined) return;
  const onAbort = () => server.close();
  if (signal.aborted) process.nextTick(onAbort);
  else {
    signal.addEventListener('abort', onAbort, { once: true });
    server.once('close', () => signal.removeEventListener('abort', onAbort));
  }
}

// A byte stream whose messages are told apart is a kind of its own.
function kindOf(type, options) {
  return type === 'stream' && options.framing !== undefined ? 'framed' : type;
}

function checkOptions(options, type) {
  validate.object(options, 'options');
  const check = checks[kindOf(type, options)];
  if (check === undefined) throw errors.invalidValue('options.type', 'has no connections: see bind()', type);
  check(options);
  validate.optional(validate.integer, options.maxConnections, 'options.maxConnections', 0);
}

function start(handle, type, options, onConnection) {
  const server = new Server(handle, type, options);
  if (onConnection) server.on('connection', onConnection);
  closeOnAbort(server, options.signal);
  return server;
}

// listen(address[, options][, onConnection]): the promise of a Server that accepts already.
async function listen(address, options, onConnection) {
  if (typeof options === 'function') {
    onConnection = options;
    options = undefined;
  }
  options ??= {};
  validate.address(address);
  options = readOptions.known(options, 'maxConnections', ...readOptions.PUBLISH, ...readOptions.STREAM, ...readOptions.MESSAGES);
  validate.optional(validate.fn, onConnection, 'onConnection');
  const native = readOptions.listen(options);
  const type = options.type ?? parseAddress(address).type;
  checkOptions(options, type);
  if (type === 'seqpacket') native.credentials = true; // they tell an empty message from the end
  if (options.signal?.aborted) throw errors.aborted(options.signal);
  return start(new binding.Listener(...inherited(address, native)), type, options, onConnection);
}

/*
 * takeOver(socket[, options][, onConnection]): what Server.handOver() gives at the other end of the connection
 * `socket`, which is used up as by handOver(). Of the options the access rules and those of connections count.
 */
async function takeOver(socket, options, onConnection) {
  if (typeof options === 'function') {
    onConnection = options;
    options = undefined;
  }
  options ??= {};
  if (!(socket instanceof Socket)) throw errors.invalidType('socket', 'an instance of Socket', socket);
  options = readOptions.known(options, 'type', 'timeout', 'maxConnections', ...readOptions.ACCESS, ...readOptions.STREAM, ...readOptions.MESSAGES);
  validate.optional(validate.fn, onConnection, 'onConnection');
  checkOptions(options, options.type ?? 'stream');
  const timeout = validate.optional(readOptions.duration, options.timeout, 'options.timeout') ?? 10000;
  const native = readOptions.access(options);
  const fd = takeFd(socket, 'takeOver');
  const taken = await new Promise((resolve, reject) => {
    try {
      binding.takeOver(fd, timeout, native, (error, value) => error ? reject(error) : resolve(value));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
  const handle = new binding.Listener(taken);
  return start(handle, parseAddress(handle.address()).type, options, onConnection);
}

module.exports = { Server, listen, takeOver, kindOf, onAccept };
