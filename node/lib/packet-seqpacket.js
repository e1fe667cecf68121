// SPDX-License-Identifier: MIT
// packet-seqpacket.js - SeqpacketServer and SeqpacketSocket of node-unix-socket.
'use strict';

const { EventEmitter } = require('node:events');
const packet = require('./packet');
const validate = require('./validate');

const { READABLE, WRITABLE, HANGUP, SEQPACKET, READS_PER_TURN } = packet;

const EAGAIN = -11;
const EMFILE = -24;
const ENFILE = -23;
const ECANCELED = -125;
const EALREADY = -114;

const ACCEPT_PAUSE_MS = 100;
const CONNECT_RETRY_MS = 10_000; // how long a full backlog is waited out

const State = { NEW: 1, SHUTTING_DOWN: 2, SHUT_DOWN: 3, CLOSED: 5 };

function wantsSettling(options) {
  return options !== null && typeof options === 'object' && options.settle === true;
}

class SeqpacketServer extends EventEmitter {
  #handle = packet.open(SEQPACKET, undefined, () => this.#accept());
  #isClosed = false;
  #timer = null;
  #options;

  constructor(options) {
    super();
    this.#options = { settle: wantsSettling(options) };
  }

  #check() {
    if (this.#isClosed) throw packet.codedError('ERR_SERVER_NOT_RUNNING', 'SeqpacketServer has been closed');
  }

  #accept() {
    for (let i = 0; i < READS_PER_TURN && !this.#isClosed; i++) {
      const fd = this.#handle.accept();
      if (fd === EAGAIN) return;
      if (fd < 0) return this.#fail(fd);
      const socket = new SeqpacketSocket(fd, this.#options);
      this.emit('connection', socket, this.#handle.sender());
    }
  }

  // Without a descriptor left the listener stays readable: it is looked at again in a while.
  #fail(errno) {
    if (errno === EMFILE || errno === ENFILE) {
      this.#handle.watch(0);
      this.#timer = setTimeout(() => this.#handle.watch(READABLE), ACCEPT_PAUSE_MS);
      if (!this.#handle.hasRef()) this.#timer.unref();
    }
    this.emit('error', packet.systemError(errno, 'accept'));
  }

  address() {
    this.#check();
    return this.#handle.address();
  }

  listen(bindpath, backlog = 511) {
    this.#check();
    packet.socketName(bindpath, 'bindpath');
    validate.integer(backlog, 'backlog', -(2 ** 31), 2 ** 31 - 1);
    packet.check(this.#handle.bind(bindpath), 'bind', bindpath);
    packet.check(this.#handle.listen(backlog), 'listen', bindpath);
    packet.check(this.#handle.watch(READABLE), 'epoll_ctl');
  }

  ref() {
    this.#handle.setRef(true);
    this.#timer?.ref();
  }

  unref() {
    this.#handle.setRef(false);
    this.#timer?.unref();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#handle.close();
    this.emit('close');
  }
}

class SeqpacketSocket extends EventEmitter {
  #handle;
  #settle;
  #readSize = packet.READ_SIZE;
  #state = State.NEW;
  #queue = []; // of { data, cb }: what the kernel has not taken yet
  #endCallbacks = [];
  #connecting = null; // { path, cb, timer, deadline }
  #isReading = false;
  #hasEnded = false; // the peer has
  #hasFailed = false;
  #isDestroyed = false;

  constructor(fd, options) {
    super();
    this.#settle = wantsSettling(options);
    if (fd != null) validate.integer(fd, 'fd', 0, 2 ** 31 - 1);
    this.#handle = packet.open(SEQPACKET, fd ?? undefined, (events) => this.#onEvent(events));
    if (fd != null) this.#read();
  }

  #check() {
    if (this.#isDestroyed) throw packet.codedError('ERR_STREAM_DESTROYED', 'SeqpacketSocket has been destroyed');
  }

  #watch() {
    if (this.#isDestroyed) return;
    const isWriting = this.#connecting ? !this.#connecting.timer : this.#queue.length > 0 && !this.#hasFailed;
    this.#handle.watch((this.#isReading ? READABLE : 0) | (isWriting ? WRITABLE : 0));
  }

  #read() {
    this.#isReading = true;
    this.#watch();
  }

  #onEvent(events) {
    if (this.#connecting) return this.#connected(events);
    if (events & WRITABLE) this.#flush();
    if (this.#isReading) this.#receive();
  }

  // ---- receiving

  #receive() {
    for (let i = 0; i < READS_PER_TURN && this.#isReading; i++) {
      const buffer = packet.readBuffer(this.#readSize);
      const n = this.#handle.receive(buffer);
      if (n === EAGAIN) return;
      if (n === null) return this.#end();
      if (n < 0) {
        this.#isReading = false;
        this.#watch();
        return this.#fail(packet.systemError(n, 'read'));
      }
      const data = Buffer.from(buffer.subarray(0, n)); // n is the whole length, which may be more
      if (n > buffer.length) this.emit('truncated', n);
      this.emit('data', data);
    }
  }

  #end() {
    this.#isReading = false;
    this.#hasEnded = true;
    this.#watch();
    this.#checkClose();
    this.emit('end');
  }

  #checkClose() {
    if (this.#hasEnded && this.#state === State.SHUT_DOWN) this.destroy();
  }

  #fail(error) {
    this.#hasFailed = true;
    process.nextTick(() => {
      if (this.#isDestroyed) return;
      try {
        this.emit('error', error);
      } finally {
        this.destroy();
      }
    });
  }

  // ---- connecting

  connect(serverPath, connectCb) {
    this.#check();
    const cb = packet.callback(connectCb, 'connectCb');
    if (serverPath !== '') packet.socketName(serverPath, 'serverPath');
    const errno = this.#connecting ? EALREADY : this.#handle.connect(serverPath);
    if (errno < 0 && errno !== EAGAIN) {
      this.destroy();
      throw packet.systemError(errno, 'connect', serverPath);
    }
    this.#connecting = { path: serverPath, cb, timer: null, deadline: Date.now() + CONNECT_RETRY_MS };
    if (errno === EAGAIN) this.#retry(1);
    this.#watch();
  }

  // The backlog is full, and nothing but trying again tells when it is not.
  #retry(delay) {
    const { path, deadline } = this.#connecting;
    this.#connecting.timer = setTimeout(() => {
      const errno = this.#handle.connect(path);
      if (errno === EAGAIN && Date.now() < deadline) return this.#retry(Math.min(delay * 2, 50));
      if (errno < 0) return this.#fail(packet.systemError(errno, 'connect', path));
      this.#connecting.timer = null;
      this.#watch();
    }, delay);
    if (!this.#handle.hasRef()) this.#connecting.timer.unref();
  }

  #connected(events) {
    const { path, cb } = this.#connecting;
    const errno = events & HANGUP ? this.#handle.error() : 0;
    if (errno < 0) {
      this.#handle.watch(0);
      return this.#fail(packet.systemError(errno, 'connect', path,
        `${packet.systemError(errno).message}: the server closed before it had accepted (EBADF in node-unix-socket)`));
    }
    this.#connecting = null;
    this.#read();
    packet.callBack(() => this.emit('connect'));
    if (cb) packet.callBack(cb);
    if (!this.#isDestroyed) this.#flush();
  }

  // ---- sending

  write(buf, offset, length, cb) {
    this.#check();
    if (this.#state >= State.SHUTTING_DOWN) {
      throw packet.codedError('ERR_STREAM_WRITE_AFTER_END', 'socket has been shutdown');
    }
    cb = packet.callback(cb, 'cb');
    const data = packet.slice(buf, offset, length);
    const isFirst = this.#queue.length === 0 && !this.#connecting?.timer && !this.#hasFailed;
    const n = isFirst ? this.#handle.send(data) : EAGAIN;
    if (n >= 0) {
      cb?.();
      return;
    }
    this.#queue.push({ data: Buffer.from(data), cb });
    if (n === EAGAIN) this.#watch();
    else this.#fail(packet.systemError(n, 'write'));
  }

  #flush() {
    let errno = 0;
    let nSent = 0;
    while (nSent < this.#queue.length && !this.#hasFailed) {
      const n = this.#handle.send(this.#queue[nSent].data);
      errno = n < 0 ? n : 0;
      if (errno) break;
      nSent++;
    }
    const sent = this.#queue.splice(0, nSent);
    if (errno && errno !== EAGAIN) this.#fail(packet.systemError(errno, 'write'));
    this.#watch();
    if (this.#queue.length === 0 && this.#state === State.SHUTTING_DOWN) this.#shutDown();
    for (const { cb } of sent) {
      if (cb) packet.callBack(cb);
    }
  }

  end(cb) {
    this.#check();
    cb = packet.callback(cb, 'cb');
    if (cb) this.#endCallbacks.push(cb);
    this.#state = State.SHUTTING_DOWN;
    if (this.#queue.length === 0 && !this.#connecting?.timer) this.#shutDown();
  }

  #shutDown() {
    packet.check(this.#handle.end(), 'shutdown');
    this.#state = State.SHUT_DOWN;
    this.#checkClose();
    for (const cb of this.#endCallbacks.splice(0)) packet.callBack(cb);
    this.emit('_shutdown');
  }

  // ---- the rest

  destroy() {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#isReading = false;
    this.#state = State.CLOSED;
    clearTimeout(this.#connecting?.timer);
    this.#handle.close();
    this.emit('close');
    this.#settleAll();
  }

  // Callbacks that are left are never called, as ever; those who want to know ask for it: { settle: true }.
  #settleAll() {
    const left = this.#queue.splice(0);
    if (!this.#settle) return;
    const connectCb = this.#connecting?.cb;
    const callbacks = [connectCb, ...left.map(({ cb }) => cb), ...this.#endCallbacks.splice(0)];
    for (const cb of callbacks) {
      if (cb) packet.callBack(cb, packet.systemError(ECANCELED, 'write'));
    }
  }

  close() {
    return this.destroy();
  }

  getInternalReadBufferSize() {
    return this.#readSize;
  }

  setInternalReadBufferSize(size) {
    this.#readSize = packet.readSize(size);
  }

  ref() {
    this.#handle.setRef(true);
    this.#connecting?.timer?.ref();
  }

  unref() {
    this.#handle.setRef(false);
    this.#connecting?.timer?.unref();
  }

  /** For tests only. */
  _state() {
    return this.#state;
  }
}

module.exports = { SeqpacketServer, SeqpacketSocket };
