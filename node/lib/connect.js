// SPDX-License-Identifier: MIT
// connect.js - connect(address, options): a promise for a connected socket.
'use strict';

const { constants: { errno: { EAGAIN, ECONNREFUSED, ENOENT } } } = require('node:os');
const binding = require('./binding');
const errors = require('./errors');
const { parseAddress } = require('./address');
const readOptions = require('./options');
const validate = require('./validate');
const messages = require('./message-socket');
const { removeBound, kBound } = require('./connection');
const { kindOf } = require('./server');
const { Socket, checkStreamOptions } = require('./socket');

const DEFAULT_TIMEOUT = 10000;
const LAST_PAUSE = 50; // milliseconds between two attempts, in the end

// What becomes of a Descriptor, by the kind of socket: (fd, options) => the object users get.
const message = (fd, options) => new messages.MessageSocket({ ...options, fd });
const makers = {
  stream: (fd, options) => new Socket({ ...options, fd }),
  framed: message,
  seqpacket: message,
  dgram: message,
};

/*
 * The reason of a failure, and all that may block (a host name), is another thread's; a success on a Unix socket
 * costs none. Waiting, for a server or for room in its backlog, is trying again, and costs none either.
 */
class Attempt {
  constructor(address, options, isTcp, signal) {
    this.address = address;
    this.options = options;
    this.isTcp = isTcp;
    this.signal = signal;
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT;
    this.end = this.timeout === -1 ? Infinity : performance.now() + this.timeout;
    this.pause = 1;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.onAbort = () => this.abort();
    signal?.addEventListener('abort', this.onAbort, { once: true });
    if (isTcp) this.ask();
    else this.attempt();
  }

  settle(error, descriptor) {
    this.signal?.removeEventListener('abort', this.onAbort);
    clearTimeout(this.timer);
    if (this.isOver) {
      if (descriptor) drop(descriptor, this.options);
      return;
    }
    this.isOver = true;
    if (error) this.reject(error);
    else this.resolve(descriptor);
  }

  abort() {
    this.settle(errors.aborted(this.signal));
    this.connecting?.cancel();
  }

  attempt() {
    const r = binding.connectNow(this.address, this.options);
    if (typeof r === 'object') {
      this.settle(undefined, r);
      return;
    }
    const waits = r === -EAGAIN || (this.options.wait && (r === -ENOENT || r === -ECONNREFUSED));
    if (!waits || performance.now() >= this.end) {
      this.ask();
      return;
    }
    this.timer = setTimeout(() => this.attempt(), Math.min(this.pause, Math.max(this.end - performance.now(), 1)));
    this.pause = Math.min(this.pause * 2, LAST_PAUSE);
  }

  // In another thread, without waiting (but for TCP, which has to).
  ask() {
    const options = this.isTcp ? { ...this.options, timeout: this.timeout || 1 } : { ...this.options, timeout: 1 };
    try {
      this.connecting = new binding.Connecting(this.address, options, (error, descriptor) => this.settle(error, descriptor));
    } catch (error) {
      this.settle(error); // no descriptor or memory for it
    }
  }
}

// A Descriptor, which is the caller's.
async function connectDescriptor(address, options) {
  const native = readOptions.connect(options);
  const signal = validate.optional(validate.signal, options.signal, 'options.signal');
  if (signal?.aborted) throw errors.aborted(signal);
  return new Attempt(address, native, parseAddress(address).kind === 'tcp', signal).promise;
}

async function connect(address, options = {}) {
  validate.address(address);
  options = readOptions.known(options, ...readOptions.CONNECT, ...readOptions.STREAM, ...readOptions.MESSAGES);
  const type = options.type ?? parseAddress(address).type;
  const kind = kindOf(type, options);
  (kind === 'stream' ? checkStreamOptions : messages.checkOptions)(options);
  return make(makers[kind], await connectDescriptor(address, options), options);
}

function make(maker, descriptor, options) {
  try {
    const socket = maker(descriptor, options);
    socket[kBound] = boundPath(options);
    return socket;
  } catch (error) {
    drop(descriptor, options);
    throw error;
  }
}

// The file that stands for this end, and goes with it; null: there is none.
function boundPath({ bind }) {
  const { kind, name } = bind === undefined ? {} : parseAddress(bind);
  return kind === 'path' ? name : null;
}

function drop(descriptor, options) {
  descriptor.close();
  const path = boundPath(options);
  if (path !== null) removeBound(path);
}

module.exports = { connect, connectDescriptor };
