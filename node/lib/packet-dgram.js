// SPDX-License-Identifier: MIT
// packet-dgram.js - DgramSocket of node-unix-socket.
'use strict';

const { EventEmitter } = require('node:events');
const packet = require('./packet');
const validate = require('./validate');

const { READABLE, WRITABLE, DGRAM, READS_PER_TURN } = packet;

const EAGAIN = -11;
const ENOBUFS = -105;
const ECONNREFUSED = -111;
const ECANCELED = -125;

const RETRY_MS = 20; // when there is no descriptor to wait for a receiver with

function isFull(errno) {
  return errno === EAGAIN || errno === ENOBUFS;
}

class DgramSocket extends EventEmitter {
  #handle = packet.open(DGRAM, undefined, (events) => this.#onEvent(events));
  #settle;
  #readSize = packet.READ_SIZE;
  #queue = []; // of { data, path, cb }: what the kernel has not taken yet
  #isBound = false;
  #isClosed = false;
  #isFlushing = false;
  #waiting = null; // { handle | timer }: for a receiver that is full

  constructor(options) {
    super();
    this.#settle = options !== null && typeof options === 'object' && options.settle === true;
    this.#watch();
  }

  #check() {
    if (this.#isClosed) throw packet.codedError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'DgramSocket has been closed');
  }

  // Nobody can send to a socket that has no name: then it may be forgotten.
  #watch() {
    if (this.#isClosed) return;
    const isBlocked = this.#queue.length > 0 && !this.#waiting;
    this.#handle.watch(READABLE | (isBlocked ? WRITABLE : 0), !this.#isBound && this.#queue.length === 0);
  }

  #onEvent(events) {
    if (events & WRITABLE && this.#queue.length > 0) this.#flush();
    this.#receive();
  }

  #receive() {
    for (let i = 0; i < READS_PER_TURN && !this.#isClosed; i++) {
      const buffer = packet.readBuffer(this.#readSize);
      const n = this.#handle.receive(buffer);
      if (isFull(n)) return;
      if (n < 0) return this.#fail(n);
      const data = Buffer.from(buffer.subarray(0, n)); // n is the whole length, which may be more
      const sender = this.#handle.sender();
      if (n > buffer.length) this.emit('truncated', n);
      this.emit('data', data, sender);
    }
  }

  #fail(errno) {
    this.close();
    this.emit('error', packet.systemError(errno, 'recvmsg'));
  }

  bind(socketPath) {
    this.#check();
    packet.socketName(socketPath, 'socketPath');
    packet.check(this.#handle.bind(socketPath), 'bind', socketPath);
    this.#isBound = true;
    this.#watch();
  }

  sendTo(buf, offset, length, destPath, onWrite) {
    this.#check();
    const cb = packet.callback(onWrite, 'onWrite');
    const data = packet.slice(buf, offset, length);
    if (destPath !== '') packet.socketName(destPath, 'destPath');
    const isFirst = this.#queue.length === 0 && !this.#isFlushing;
    const errno = isFirst ? this.#send(data, destPath) : EAGAIN;
    if (!isFull(errno)) return this.#tell(cb, errno, destPath);
    this.#queue.push({ data: Buffer.from(data), path: destPath, cb });
    if (isFirst) this.#wait();
  }

  // 0 or why not. Those who send without a name are "" to the receiver: nobody can be reached there.
  #send(data, path) {
    return path === '' ? ECONNREFUSED : Math.min(this.#handle.send(data, path), 0);
  }

  #tell(cb, errno, path) {
    if (!cb) return;
    if (errno) cb(packet.systemError(errno, 'sendmsg', path));
    else cb();
  }

  #flush() {
    const done = [];
    this.#isFlushing = true;
    while (this.#queue.length > done.length) {
      const { data, path, cb } = this.#queue[done.length];
      const errno = this.#send(data, path);
      if (isFull(errno)) break;
      done.push({ cb, errno, path });
    }
    this.#queue.splice(0, done.length);
    this.#isFlushing = false;
    if (this.#queue.length > 0) this.#wait();
    else this.#watch();
    for (const { cb, errno, path } of done) packet.callBack(() => this.#tell(cb, errno, path));
  }

  /*
   * A socket that is not connected is writable whether the receiver has room or not. One that is connected
   * to that receiver is not: such a one is made to wait with.
   */
  #wait() {
    this.#stopWaiting();
    if (this.#handle.isWritable()) {
      this.#waiting = {};
      const path = this.#queue[0].path;
      const go = () => {
        this.#stopWaiting();
        this.#flush();
      };
      try {
        this.#waiting.handle = packet.open(DGRAM, undefined, go);
        packet.check(this.#waiting.handle.connect(path), 'connect');
        packet.check(this.#waiting.handle.watch(WRITABLE), 'epoll_ctl');
      } catch {
        this.#stopWaiting();
        this.#waiting = { timer: setTimeout(go, RETRY_MS) };
      }
    }
    this.#watch();
  }

  #stopWaiting() {
    this.#waiting?.handle?.close();
    clearTimeout(this.#waiting?.timer);
    this.#waiting = null;
  }

  getRecvBufferSize() {
    return this.#buffer('receive');
  }

  setRecvBufferSize(size) {
    this.#buffer('receive', validate.integer(size, 'size', 0, 2 ** 31 - 1));
  }

  getSendBufferSize() {
    return this.#buffer('send');
  }

  setSendBufferSize(size) {
    this.#buffer('send', validate.integer(size, 'size', 0, 2 ** 31 - 1));
  }

  #buffer(which, size) {
    this.#check();
    return packet.check(this.#handle.buffer(which === 'send', size), size === undefined ? 'getsockopt' : 'setsockopt');
  }

  /** How much of a datagram is taken: 256 KiB, more than the system lets through by default. */
  getInternalReadBufferSize() {
    return this.#readSize;
  }

  setInternalReadBufferSize(size) {
    this.#readSize = packet.readSize(size);
  }

  address() {
    this.#check();
    return this.#handle.address();
  }

  ref() {
    this.#handle.setRef(true);
  }

  unref() {
    this.#handle.setRef(false);
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWaiting();
    this.#handle.close();
    this.emit('close');
    const left = this.#queue.splice(0);
    if (!this.#settle) return;
    for (const { cb, path } of left) packet.callBack(() => this.#tell(cb, ECANCELED, path));
  }
}

module.exports = { DgramSocket };
