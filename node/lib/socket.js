// SPDX-License-Identifier: MIT
// socket.js - Socket: a connected byte stream, as Node's net.Socket on a pipe, and who is at its other end.
'use strict';

const { AsyncResource } = require('node:async_hooks');
const batch = require('./batch');
const binding = require('./binding');
const errors = require('./errors');
const validate = require('./validate');
const { Connection, attach, detach, finishDestroy, onEnd: end, wake, kFinal, kHandle, kOnClose, kOwner, kPeer, kReading, kWritable } = require('./connection');

const kWaiting = Symbol('waiting'); // callbacks of the short way that wait for the kernel
const kResource = Symbol('resource'); // the asynchronous resource that input is told in
const kSlot = Symbol('slot'); // the handle's number in a batch
const kRest = Symbol('rest'); // the write under way of the long way: { chunks, offset, callback }
const kTimeout = Symbol('timeout');
const kTimer = Symbol('timer');
const kLastQueued = Symbol('last queued'); // when the timer came up last

const PIECE = 256 * 1024; // handed to the addon at once: what it may have to keep a copy of

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

class Socket extends Connection {
  constructor(options) {
    validate.object(options, 'options');
    if (!(options.fd instanceof binding.Descriptor)) validate.integer(options.fd, 'options.fd', 0, 0x7fffffff);
    checkStreamOptions(options);
    super(options, { decodeStrings: true });
    this[kWaiting] = null;
    this[kRest] = null;
    this[kTimeout] = undefined;
    this[kTimer] = null;
    this[kLastQueued] = 0;
    this._bytesRead = 0;
    this._bytesWritten = 0;
    this[kResource] = new AsyncResource('SUNPATHSOCKET');
    const handle = new binding.Stream(options.fd);
    this[kSlot] = handle.slot();
    batch.prepare(this[kSlot]);
    attach(this, handle, options.signal);
  }

  // ---- state

  get bytesRead() { return this._bytesRead; }
  get bytesWritten() {
    return this._bytesWritten + super.writableLength - (this[kRest] === null ? 0 : this[kRest].handed);
  }

  get bufferSize() { return this[kHandle] === null ? undefined : this.writableLength; }
  get connecting() { return false; }
  get pending() { return this[kHandle] === null; }
  get readyState() {
    if (this.readable && this.writable) return 'open';
    return this.readable ? 'readOnly' : this.writable ? 'writeOnly' : 'closed';
  }
  get timeout() { return this[kTimeout]; }

  address() { return {}; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }

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
    if (this[kWritable] && state.length === 0 && state.corked === 0 && (callback === undefined || typeof callback === 'function')) {
      const isBytes = chunk instanceof Uint8Array;
      let collected = 0;
      if (callback === undefined) {
        if (isBytes) collected = batch.collect(this[kSlot], chunk, chunk.byteLength);
        else if (isPlainText(state, chunk, encoding)) collected = batch.collectText(this[kSlot], chunk);
      }
      if (collected > 0) {
        this._bytesWritten += collected;
        if (this[kTimer] !== null) this[kTimer].refresh();
        return true;
      }
      if (isBytes) {
        const size = chunk.byteLength;
        const queued = this[kHandle].writeAll(chunk, callback !== undefined);
        if (queued >= 0) return wrote(this, state, size, queued, callback);
      }
    }
    return super.write(chunk, encoding, callback);
  }

  get writableLength() {
    return super.writableLength + (this[kRest] === null && this[kHandle] !== null ? this[kHandle].queued() : 0);
  }

  _read() {
    if (this[kHandle] !== null) batch.startReading(this[kSlot], this);
    super._read();
  }

  _write(chunk, encoding, callback) { send(this, [chunk], [chunk.length], callback); }
  _writev(entries, callback) {
    const chunks = entries.map(({ chunk }) => chunk);
    send(this, chunks, chunks.map(({ length }) => length), callback);
  }

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

  _destroy(error, callback) {
    if (this[kHandle] !== null) batch.forget(this[kSlot]);
    detach(this);
    clearTimeout(this[kTimer]);
    this[kTimer] = null;
    abandon(this, error);
    if (this[kOnClose] !== null) this[kOnClose]();
    finishDestroy(this, error, callback);
  }
}

// ---- what the addon tells; each `this` is a handle

function onData(buffer, offset, n) {
  batch.tell(buffer, offset, n, tellData);
}

function tellData(socket, chunk) {
  socket[kResource].runInAsyncScope(takeData, socket, chunk);
}

/*
 * What somebody takes as it comes (it flows, and nothing waits before it) is told as push() would, which does much
 * more to find that out.
 */
function takeData(chunk) {
  const state = this._readableState;
  this._bytesRead += chunk.length;
  if (this[kTimer] !== null) this[kTimer].refresh();
  if (state.flowing === true && state.length === 0 && state.decoder === null && state.awaitDrainWriters === null &&
      !state.ended) {
    state.dataEmitted = true;
    this.emit('data', chunk);
  } else if (!this.push(chunk)) {
    this[kReading] = false;
    if (this[kHandle] === null) return;
    this[kHandle].read(false);
    batch.stopReading(this[kSlot], isReading);
  }
}

function isReading(socket) { return socket[kReading]; }

function onEnd() {
  const socket = this[kOwner];
  if (socket[kHandle] === null) return; // by what was told before it
  batch.forget(socket[kSlot]);
  end.call(this);
}

function onDrain() {
  const socket = this[kOwner];
  if (socket[kTimer] !== null) socket[kTimer].refresh();
  settle(socket);
}

function onError(error) {
  const socket = this[kOwner];
  socket[kWritable] = false;
  socket.destroy(error);
}

// ---- parts of the above

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

function isPlainText(state, chunk, encoding) {
  return typeof chunk === 'string' && (encoding ?? state.defaultEncoding) === 'utf8';
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

function send(socket, chunks, sizes, callback) {
  if (socket[kHandle] === null) {
    callback(errors.streamDestroyed('write'));
    return;
  }
  socket[kRest] = { chunks, sizes, index: 0, offset: 0, handed: 0, callback };
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
    const length = rest.sizes[rest.index];
    const size = Math.min(length - rest.offset, PIECE);
    const isWhole = chunk.length === length; // else it was transferred away: what is missing cannot be made up for
    if (isWhole) queued = handle.write(chunk, rest.offset, size);
    if (!isWhole || queued < 0) {
      socket.destroy(isWhole ? binding.makeError(queued, 'write') : errors.transferred());
      return;
    }
    socket._bytesWritten += size;
    rest.offset += size;
    rest.handed += size;
    if (rest.offset === length) {
      rest.index++;
      rest.offset = 0;
    }
  }
  if (!handle.tellDrain()) return;
  socket[kRest] = null;
  rest.callback();
}

/*
 * The descriptor, which is the caller's from now on; the socket is destroyed. Not when input was read that nobody has
 * taken, because that would be lost: then nothing is changed.
 */
function takeFd(socket, call) {
  const handle = socket[kHandle];
  if (handle === null) throw errors.streamDestroyed(call);
  if (socket.readableLength > 0 || handle.hasInput()) throw errors.inputRead(call);
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

module.exports = { Socket, callbacks: [onData, onEnd, onDrain, onError], checkStreamOptions, takeFd };
