// SPDX-License-Identifier: MIT
// message-socket.js - MessageSocket: whole messages over seqpacket, datagrams and framed streams; bind().
'use strict';

const { Duplex } = require('node:stream');
const binding = require('./binding');
const errors = require('./errors');
const readOptions = require('./options');
const validate = require('./validate');
const { Connection, attach, detach, finishDestroy, onEnd, wake, kFinal, kHandle, kOnClose, kOwner, kReading, kWritable } = require('./connection');

const kWaiting = Symbol('waiting'); // callbacks of messages the kernel has not taken yet, in order
const kBlocked = Symbol('blocked'); // { items, index, callback }: the write under way, for which there was no room
const kInfo = Symbol('info');
const kType = Symbol('type');

const ENOBUFS = -105;
const HIGH_WATER_MARK = 256; // messages that wait to be sent, by default
const FRAMINGS = ['line', 'nul', 'u8', 'u16be', 'u16le', 'u32be', 'u32le', 'u64be', 'u64le', 'varint', 'netstring',
  'content-length'];
const BIG_ENDIAN = { u16: 'u16be', u32: 'u32be', u64: 'u64be' };

// ---- options

function readFraming(value, name) {
  return validate.oneOf(BIG_ENDIAN[value] ?? value, name, FRAMINGS);
}

function checkOptions(options) {
  validate.optional(validate.boolean, options.allowHalfOpen, 'options.allowHalfOpen');
  validate.optional(validate.boolean, options.withInfo, 'options.withInfo');
  for (const name of ['highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark']) {
    validate.optional(validate.integer, options[name], `options.${name}`, 0);
  }
  validate.optional(validate.signal, options.signal, 'options.signal');
  readChannelOptions(options);
  if (!options.withInfo && (options.maxFds > 0 || options.credentials)) {
    const name = options.maxFds > 0 ? 'maxFds' : 'credentials';
    throw errors.invalidValue(`options.${name}`, 'needs withInfo: true, else they would be lost', options[name]);
  }
}

function readChannelOptions(options) {
  return {
    framing: validate.optional(readFraming, options.framing, 'options.framing'),
    dropCr: validate.optional(validate.boolean, options.dropCr, 'options.dropCr'),
    maxMessage: validate.optional(validate.integer, options.maxMessage, 'options.maxMessage', 1, 2 ** 30),
    maxQueue: validate.optional(validate.integer, options.maxQueue, 'options.maxQueue', 1, 2 ** 30),
    idle: validate.optional(validate.integer, options.idle, 'options.idle', 0, 2 ** 31 - 1),
    maxFds: validate.optional(validate.integer, options.maxFds, 'options.maxFds', 0, 253),
    credentials: validate.optional(validate.boolean, options.credentials, 'options.credentials'),
    info: options.withInfo === true,
  };
}

// ---- messages as users write them: { data, fds, to, callback }

function toBytes(data, name) {
  if (typeof data === 'string') return Buffer.from(data);
  if (!ArrayBuffer.isView(data)) {
    throw errors.invalidType(name, 'of type string or an instance of Buffer, TypedArray, or DataView', data);
  }
  return data;
}

function toFd(value, name) {
  const fd = typeof value === 'number' ? value : value?.fd;
  return validate.integer(fd, name, 0, 2 ** 31 - 1);
}

function toItem(data, options, callback) {
  const { fds, to } = validate.object(options, 'options');
  if (fds !== undefined && !Array.isArray(fds)) throw errors.invalidType('options.fds', 'an instance of Array', fds);
  validate.optional(validate.address, to, 'options.to');
  return { data: toBytes(data, 'data'), fds: fds?.map((fd, i) => toFd(fd, `options.fds[${i}]`)), to, callback };
}

function isPlain(value) {
  return typeof value === 'string' || ArrayBuffer.isView(value);
}

class MessageSocket extends Connection {
  /*
   * `options.fd`: a connected socket, owned from here on. What it yields are Buffers, or with `withInfo`
   * { data, fds, sender, credentials }.
   */
  constructor(options) {
    validate.object(options, 'options');
    checkOptions(options);
    super({ ...options, writableHighWaterMark: options.writableHighWaterMark ?? HIGH_WATER_MARK }, { encoding: undefined, objectMode: true });
    this[kWaiting] = [];
    this[kBlocked] = null;
    this[kInfo] = options.withInfo === true;
    const handle = new binding.Channel(options.address ?? options.fd, readChannelOptions(options), options.listen);
    this[kType] = handle.type();
    attach(this, handle, options.signal);
  }

  // 'stream', 'seqpacket' or 'dgram'
  get type() { return this[kType]; }
  // The largest message that can be sent, in bytes.
  get maxMessage() { return this[kHandle]?.maxMessage() ?? 0; }

  // ---- writing

  /*
   * A message: bytes, a string, or { data, fds, to }. `callback` is called once, in order, when the kernel took it or
   * with the error. A message on a connection that cannot be sent destroys the socket, as with every stream.
   */
  write(message, encoding, callback) {
    if (encoding === undefined && callback === undefined && message instanceof Uint8Array) {
      const state = this._writableState;
      if (this[kWritable] && state.length === 0 && state.corked === 0) {
        const pending = this[kHandle].send(message, false);
        if (pending >= 0) return pending < state.highWaterMark || hold(this, state);
      }
    }
    if (typeof encoding === 'function') callback = encoding;
    validate.optional(validate.fn, callback ?? undefined, 'callback');
    if (message === null) return super.write(message); // throws, as ever
    const item = isPlain(message) ? { data: toBytes(message), fds: undefined, to: undefined, callback } :
      toItem(validate.object(message, 'message').data, message, callback);
    item.isWrite = true;
    return put(this, item);
  }

  /*
   * The same as a promise: settled when the kernel took the message, or did not; nothing else happens to the socket.
   * `fds`: numbers, Descriptors or FileHandles, which stay the caller's. `to`: an address, for datagrams.
   */
  send(data, options = {}) {
    return new Promise((resolve, reject) => {
      put(this, toItem(data, options, error => error ? reject(error) : resolve()));
    });
  }

  get writableLength() {
    return super.writableLength + (this[kHandle]?.pending() ?? 0);
  }

  _write(item, encoding, callback) { go(this, { items: [item], index: 0, callback }); }
  _writev(chunks, callback) { go(this, { items: chunks.map(({ chunk }) => chunk), index: 0, callback }); }

  _final(callback) {
    const handle = this[kHandle];
    if (handle === null) callback();
    else if (!handle.tellDrain()) this[kFinal] = callback;
    else finish(this, callback);
  }

  end(...args) {
    if (typeof args[0] !== 'function' && args[0] !== undefined && args[0] !== null) this.write(args.shift());
    this[kWritable] = false;
    const result = super.end(args.find(each => typeof each === 'function'));
    wake(this);
    return result;
  }

  _destroy(error, callback) {
    detach(this);
    abandon(this, error ?? errors.streamDestroyed('write'));
    this[kOnClose]?.();
    finishDestroy(this, error, callback);
  }
}

// ---- what the addon tells; each `this` is a handle

function onMessage(buffer, offset, size, fds, sender, credentials) {
  const socket = this[kOwner];
  const data = buffer.length === size ? buffer : buffer.subarray(offset, offset + size);
  const message = socket[kInfo] ? { data, fds, sender, credentials } : data;
  const state = socket._readableState;
  // The short way, when nothing waits before it and nobody else looks: what push() would do then.
  if (state.flowing === true && state.length === 0 && state.awaitDrainWriters === null && !state.ended &&
      socket.listenerCount('data') > 0) {
    state.dataEmitted = true;
    socket.emit('data', message);
  } else if (!socket.push(message)) {
    socket[kReading] = false;
    socket[kHandle]?.read(false);
  }
}

// A message that arrived, or a datagram that was sent, did not get through.
function onLost(error) {
  const socket = this[kOwner];
  if (socket.listenerCount('lost') > 0) socket.emit('lost', error);
  else if (socket[kType] !== 'dgram') socket.destroy(error);
}

function onDrain() {
  const socket = this[kOwner];
  if (socket[kBlocked] !== null) {
    const blocked = socket[kBlocked];
    socket[kBlocked] = null;
    go(socket, blocked);
  }
  const handle = socket[kHandle];
  if (handle === null || socket[kBlocked] !== null) return;
  if (socket[kFinal] !== null) {
    if (handle.tellDrain()) finish(socket, take(socket, kFinal));
    return;
  }
  const state = socket._writableState;
  if (state.needDrain && state.length === 0 && socket[kWritable]) {
    state.needDrain = false;
    socket.emit('drain');
  }
}

function onSent(errno) {
  const socket = this[kOwner];
  const item = socket[kWaiting].shift();
  if (errno < 0) fail(socket, item, systemError(errno, 'send', item));
  else item.callback(null);
}

function onClose(error) {
  const socket = this[kOwner];
  socket[kWritable] = false;
  if (error !== undefined) socket.destroy(error);
}

// ---- parts of the above

function take(socket, name) {
  const value = socket[name];
  socket[name] = null;
  return value;
}

function systemError(errno, call, { to }) {
  return binding.makeError(errno, call, to);
}

// Straight to the addon when nothing waits before it; else behind that. Returns what write() does.
function put(socket, item) {
  const state = socket._writableState;
  if (!socket[kWritable] || state.length > 0 || state.corked > 0) return queue(socket, item);
  const pending = give(socket, item);
  if (pending === ENOBUFS) return queue(socket, item);
  return pending < state.highWaterMark || hold(socket, state);
}

// Enough is pending: "drain" tells when it is not any more. Unless it failed at once: then nothing is.
function hold(socket, state) {
  if (socket[kHandle]?.tellDrain() ?? true) return true;
  state.needDrain = true;
  return false;
}

// The stream's own queue: it also knows what to say after end() and destroy().
function queue(socket, item) {
  const state = socket._writableState;
  if (!item.isWrite && (state.destroyed || state.ending)) {
    process.nextTick(item.callback, state.destroyed ? errors.streamDestroyed('send') : errors.writeAfterEnd());
    return false;
  }
  let error;
  item.size = item.data.byteLength; // it must have that still when its turn comes
  const isAccepted = Duplex.prototype.write.call(socket, item, failed => {
    error = failed;
    if (failed && item.callback) process.nextTick(item.callback, failed);
  });
  return isAccepted && !error;
}

// How many messages wait for the kernel then; 0 after a failure that was told; ENOBUFS: no room, and nothing is done.
function give(socket, item) {
  if (item.size !== undefined && item.data.byteLength !== item.size) {
    process.nextTick(fail, socket, item, errors.transferred());
    return 0;
  }
  let r;
  try {
    r = socket[kHandle].send(item.data, item.callback !== undefined, item.fds, item.to);
  } catch (error) {
    process.nextTick(fail, socket, item, error);
    return 0;
  }
  if (r === ENOBUFS && socket[kHandle].pending() > 0) return r;
  if (r < 0) process.nextTick(fail, socket, item, systemError(r, 'send', item));
  else if (item.callback !== undefined) socket[kWaiting].push(item);
  return Math.max(r, 0);
}

// A datagram concerns nobody but who is told; on a connection a write that failed is the end.
function fail(socket, item, error) {
  const isDgram = socket[kType] === 'dgram';
  if (item.isWrite && !isDgram) socket.destroy(error);
  if (item.callback) item.callback(error);
  else if (isDgram) onLost.call({ [kOwner]: socket }, error);
}

// The stream's queue goes to the addon, as far as that has room.
function go(socket, rest) {
  const handle = socket[kHandle];
  if (handle === null) {
    rest.callback(errors.streamDestroyed('write'));
    return;
  }
  while (rest.index < rest.items.length) {
    if (give(socket, rest.items[rest.index]) === ENOBUFS) {
      socket[kBlocked] = rest;
      if (!handle.tellDrain()) return;
      socket[kBlocked] = null;
      continue;
    }
    rest.index++;
  }
  rest.callback();
}

// Datagrams have no end: nothing more comes from a socket whose user has ended.
function finish(socket, callback) {
  socket[kHandle]?.end();
  if (socket[kType] === 'dgram') {
    socket.push(null);
    socket.read(0);
  }
  callback();
}

// The socket is destroyed: who still waits learns it, once, and in order.
function abandon(socket, error) {
  for (const { callback } of socket[kWaiting].splice(0)) process.nextTick(callback, error);
  const blocked = take(socket, kBlocked);
  if (blocked !== null) {
    for (const { callback } of blocked.items.slice(blocked.index)) if (callback) process.nextTick(callback, error);
    process.nextTick(blocked.callback, null);
  }
  const final = take(socket, kFinal);
  if (final !== null) process.nextTick(final, error);
}

/*
 * bind(address[, options]): the promise of a datagram socket that everybody whom its file lets in can send to.
 * Published as listen() does it.
 */
async function bind(address, options = {}) {
  validate.address(address);
  options = readOptions.known(options, ...readOptions.PUBLISH, ...readOptions.STREAM, ...readOptions.MESSAGES);
  const listen = readOptions.listen({ ...options, type: options.type ?? 'dgram' });
  checkOptions(options);
  if (options.signal?.aborted) throw errors.aborted(options.signal);
  const socket = new MessageSocket({ ...options, framing: undefined, address, listen });
  socket.address = address;
  return socket;
}

module.exports = { MessageSocket, bind, checkOptions, callbacks: [onMessage, onLost, onEnd, onDrain, onSent, onClose] };
