// SPDX-License-Identifier: MIT
// socket.js - Socket: a connected byte stream, as Node's net.Socket on a pipe, and who is at its other end.
'use strict';

const { Duplex, addAbortSignal } = require('node:stream');
const binding = require('./binding');
const errors = require('./errors');
const readOptions = require('./options');
const validate = require('./validate');
const { Peer } = require('./peer');

const kHandle = Symbol('handle'); // binding.Stream; null once it is closed
const kOwner = Symbol('owner'); // of a handle: its Socket
const kWritable = Symbol('writable'); // write() may take the short way
const kWaiting = Symbol('waiting'); // callbacks of the short way that wait for the kernel
const kRest = Symbol('rest'); // the write under way of the long way: { chunks, offset, callback }
const kFinal = Symbol('final'); // the callback of _final(), while output is still to leave
const kReading = Symbol('reading');
const kTimeout = Symbol('timeout');
const kTimer = Symbol('timer');
const kLastQueued = Symbol('last queued'); // when the timer came up last
const kOnClose = Symbol('on close'); // told to the server it belongs to
const kPeer = Symbol('peer');

const PIECE = 256 * 1024; // handed to the addon at once: what it may have to keep a copy of

function pickStreamOptions(options) {
  const picked = {};
  for (const name of readOptions.STREAM) if (options[name] !== undefined) picked[name] = options[name];
  return picked;
}

function checkStreamOptions(options) {
  validate.optional(validate.boolean, options.allowHalfOpen, 'options.allowHalfOpen');
  for (const name of ['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark']) {
    validate.optional(validate.integer, options[name], `options.${name}`, 0);
  }
  validate.optional(validate.signal, options.signal, 'options.signal');
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode']) {
    if (options[name]) throw errors.invalidValue(`options.${name}`, 'is not supported', options[name]);
  }
}

/*
 * Input is asked for when somebody wants it: by reading, or by listening for what only reading finds out (that the
 * peer has ended). A socket that nobody listens to and nobody holds is collected, and closed.
 */
const WAKING = new Set(['data', 'readable', 'end', 'close', 'error', 'timeout']);

class Socket extends Duplex {
  constructor(options) {
    validate.object(options, 'options');
    if (!(options.fd instanceof binding.Descriptor)) validate.integer(options.fd, 'options.fd', 0, 0x7fffffff);
    checkStreamOptions(options);
    super({ ...pickStreamOptions(options), allowHalfOpen: options.allowHalfOpen === true, autoDestroy: true,
      decodeStrings: true, signal: undefined });
    this[kHandle] = null;
    this[kWritable] = false;
    this[kWaiting] = null;
    this[kRest] = null;
    this[kFinal] = null;
    this[kReading] = false;
    this[kTimeout] = 0;
    this[kTimer] = null;
    this[kLastQueued] = 0;
    this[kOnClose] = null;
    this[kPeer] = undefined;
    this._bytesRead = 0;
    this._bytesWritten = 0;
    const handle = new binding.Stream(options.fd);
    handle[kOwner] = this;
    this[kHandle] = handle;
    this[kWritable] = true;
    if (options.signal !== undefined) addAbortSignal(options.signal, this);
  }

  // ---- state

  get fd() { return this[kHandle] === null ? -1 : this[kHandle].fd(); }
  get bytesRead() { return this._bytesRead; }
  get bytesWritten() {
    return this._bytesWritten + super.writableLength - (this[kRest] === null ? 0 : this[kRest].handed);
  }

  get bufferSize() { return this.writableLength; }
  get connecting() { return false; }
  get pending() { return false; }
  get readyState() {
    if (this.readable && this.writable) return 'open';
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }
  get timeout() { return this[kTimeout] || undefined; }

  // Who is at the other end, as the kernel noted it when the connection was made; undefined once it is closed.
  get peer() {
    if (this[kPeer] === undefined && this[kHandle] !== null) this[kPeer] = new Peer(() => this.fd);
    return this[kPeer];
  }

  // A Descriptor that stands for the peer's process (pidfd_open(2)): poll it, or send it a signal.
  openPeerPidfd() { return Peer.openPidfd(this.fd); }

  address() { return {}; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }

  ref() {
    this[kHandle]?.setRef(true);
    return this;
  }

  unref() {
    this[kHandle]?.setRef(false);
    return this;
  }

  // ---- time

  setTimeout(ms, callback) {
    validate.integer(ms, 'msecs', 0, 0x7fffffff);
    validate.optional(validate.fn, callback, 'callback');
    clearTimeout(this[kTimer]);
    this[kTimer] = null;
    this[kTimeout] = ms;
    if (ms > 0 && this[kHandle] !== null) this[kTimer] = setTimeout(onTimeout, ms, this).unref();
    if (callback) {
      if (ms > 0) this.once('timeout', callback);
      else this.removeListener('timeout', callback);
    }
    return this;
  }

  // ---- reading

  on(event, listener) {
    const result = super.on(event, listener);
    if (WAKING.has(event)) wake(this);
    return result;
  }

  addListener(event, listener) { return this.on(event, listener); }

  prependListener(event, listener) {
    const result = super.prependListener(event, listener);
    if (WAKING.has(event)) wake(this);
    return result;
  }

  _read() {
    if (this[kHandle] !== null && !this[kReading]) {
      this[kReading] = true;
      this[kHandle].read(true);
    }
  }

  // ---- writing

  /*
   * The short way, when nothing waits before it: the bytes go to the addon as they are, and no state of the stream
   * changes. Everything else goes the usual way, and in order, because it goes to the same queue.
   */
  write(chunk, encoding, callback) {
    if (typeof encoding === 'function') {
      callback = encoding;
      encoding = undefined;
    }
    const state = this._writableState;
    if (this[kWritable] && chunk instanceof Uint8Array && state.length === 0 && state.corked === 0 &&
        (callback === undefined || typeof callback === 'function')) {
      const size = chunk.byteLength;
      const queued = this[kHandle].writeAll(chunk, callback !== undefined);
      if (queued >= 0) return wrote(this, state, size, queued, callback);
    }
    return super.write(chunk, encoding, callback);
  }

  get writableLength() {
    return super.writableLength + (this[kRest] === null && this[kHandle] !== null ? this[kHandle].queued() : 0);
  }

  _write(chunk, encoding, callback) { send(this, [chunk], callback); }
  _writev(chunks, callback) { send(this, chunks.map(({ chunk }) => chunk), callback); }

  _final(callback) {
    this[kWritable] = false;
    const handle = this[kHandle];
    if (handle === null) callback();
    else if (!handle.tellDrain()) this[kFinal] = callback;
    else finish(this, callback);
  }

  end(...args) {
    this[kWritable] = false;
    // Whoever ends waits for the other end to do so, too: closing needs both.
    const result = super.end(...args);
    wake(this);
    return result;
  }

  // Ends, and destroys once everything has been sent.
  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  _destroy(error, callback) {
    const handle = this[kHandle];
    this[kWritable] = false;
    this[kHandle] = null;
    clearTimeout(this[kTimer]);
    this[kTimer] = null;
    if (handle !== null) {
      this[kPeer]?.remember();
      handle.close();
    }
    abandon(this, error);
    if (this[kOnClose] !== null) this[kOnClose]();
    callback(error);
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    if (this.closed) return;
    const gone = new Promise(resolve => this.once('close', resolve));
    this.on('error', () => {});
    this.destroySoon();
    await gone;
  }
}

// ---- what the addon tells; each `this` is a handle

/*
 * What somebody takes as it comes (it flows, and nothing waits before it) is told as push() would, which does much
 * more to find that out.
 */
function onData(buffer, offset, size) {
  const socket = this[kOwner];
  const state = socket._readableState;
  const chunk = buffer.length === size ? buffer : buffer.subarray(offset, offset + size);
  socket._bytesRead += size;
  if (socket[kTimer] !== null) socket[kTimer].refresh();
  if (state.flowing === true && state.length === 0 && state.decoder === null && state.awaitDrainWriters === null &&
      !state.ended) {
    state.dataEmitted = true;
    socket.emit('data', chunk);
  } else if (!socket.push(chunk)) {
    socket[kReading] = false;
    if (socket[kHandle] !== null) socket[kHandle].read(false);
  }
}

function onEnd() {
  const socket = this[kOwner];
  socket.push(null);
  socket.read(0); // so that 'end' comes also when nothing is left to read
}

function onDrain() {
  const socket = this[kOwner];
  if (socket[kTimer] !== null) socket[kTimer].refresh();
  settle(socket);
}

function onError(error) {
  const socket = this[kOwner];
  socket[kWritable] = false;
  const rest = socket[kRest];
  socket[kRest] = null;
  fail(socket, error);
  if (rest !== null) rest.callback(error);
  socket.destroy(error);
}

// ---- parts of the above

function wake(socket) {
  if (!socket[kReading] && socket[kHandle] !== null && !socket.readableEnded) socket.read(0);
}

function onTimeout(socket) {
  // A write that the kernel still takes bytes of is no silence.
  const queued = socket[kHandle].queued();
  if (queued > 0 && queued !== socket[kLastQueued]) {
    socket[kLastQueued] = queued;
    socket[kTimer].refresh();
    return;
  }
  socket.emit('timeout');
}

function wrote(socket, state, size, queued, callback) {
  socket._bytesWritten += size;
  if (socket[kTimer] !== null) socket[kTimer].refresh();
  if (callback !== undefined) {
    // who waits already is told first: that the kernel took everything is not known to JavaScript yet
    if (queued === 0 && socket[kWaiting] === null) process.nextTick(callback, null);
    else (socket[kWaiting] ??= []).push(callback);
  }
  if (queued === 0 || queued < state.highWaterMark) return true;
  state.needDrain = true;
  socket[kHandle].tellDrain();
  return false;
}

// As the writable side does it after its own writes.
function drained(socket) {
  const state = socket._writableState;
  if (state.needDrain && state.length === 0 && socket[kWritable] && !socket.writableEnded) {
    state.needDrain = false;
    socket.emit('drain');
  }
}

// Everything the addon had was taken by the kernel. A callback that throws keeps none of the others from being called.
function settle(socket) {
  const waiting = socket[kWaiting];
  if (waiting === null) {
    goOn(socket);
    return;
  }
  socket[kWaiting] = null;
  for (const callback of waiting) process.nextTick(callback, null);
  process.nextTick(goOn, socket);
}

function goOn(socket) {
  if (socket[kHandle] === null) return;
  if (socket[kRest] !== null) {
    sendOn(socket);
    return;
  }
  const final = socket[kFinal];
  socket[kFinal] = null;
  if (final !== null) finish(socket, final);
  else if (socket._writableState.needDrain && socket[kHandle].tellDrain()) drained(socket);
}

function finish(socket, callback) {
  socket[kHandle]?.end();
  callback();
}

function send(socket, chunks, callback) {
  if (socket[kHandle] === null) {
    callback(errors.streamDestroyed('write'));
    return;
  }
  socket[kRest] = { chunks, index: 0, offset: 0, handed: 0, callback };
  sendOn(socket);
}

// Hands on as much as may be kept a copy of; the next piece follows when that was taken.
function sendOn(socket) {
  const rest = socket[kRest];
  const handle = socket[kHandle];
  let queued = 0;
  if (socket[kTimer] !== null) socket[kTimer].refresh();
  while (rest.index < rest.chunks.length && queued < PIECE) {
    const chunk = rest.chunks[rest.index];
    const size = Math.min(chunk.length - rest.offset, PIECE);
    queued = handle.write(chunk, rest.offset, size);
    if (queued < 0) {
      socket[kRest] = null;
      rest.callback(binding.makeError(queued, 'write'));
      return;
    }
    socket._bytesWritten += size;
    rest.offset += size;
    rest.handed += size;
    if (rest.offset === chunk.length) {
      rest.index++;
      rest.offset = 0;
    }
  }
  if (!handle.tellDrain()) return;
  socket[kRest] = null;
  rest.callback();
}

// The descriptor, which is the caller's from now on; the socket is destroyed.
function takeFd(socket) {
  const handle = socket[kHandle];
  if (handle === null) return -1;
  socket[kPeer]?.remember();
  const fd = handle.takeFd();
  socket.destroy();
  return fd;
}

function fail(socket, error) {
  const waiting = socket[kWaiting];
  socket[kWaiting] = null;
  if (waiting !== null) for (const callback of waiting) process.nextTick(callback, error);
}

// The socket is destroyed: who still waits learns it, once.
function abandon(socket, error) {
  const reason = error ?? errors.streamDestroyed('write');
  const rest = socket[kRest];
  const final = socket[kFinal];
  socket[kRest] = socket[kFinal] = null;
  fail(socket, reason);
  if (rest !== null) process.nextTick(rest.callback, reason);
  if (final !== null) process.nextTick(final, reason);
}

module.exports = { Socket, callbacks: [onData, onEnd, onDrain, onError], checkStreamOptions, kHandle, kOnClose, pickStreamOptions, takeFd };
