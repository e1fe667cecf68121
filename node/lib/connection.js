// SPDX-License-Identifier: MIT
// connection.js - Connection: what byte streams and message streams have in common, a native handle behind a Duplex.
'use strict';

const { unlinkSync } = require('node:fs');
const { Duplex, addAbortSignal } = require('node:stream');
const readOptions = require('./options');
const { Peer } = require('./peer');

const kHandle = Symbol('handle'); // of the addon; null once it is closed
const kOwner = Symbol('owner'); // of a handle: its Connection
const kWritable = Symbol('writable'); // write() may take the short way
const kFinal = Symbol('final'); // the callback of _final(), while output is still to leave
const kReading = Symbol('reading');
const kOnClose = Symbol('on close'); // told to the server it belongs to
const kPeer = Symbol('peer');
const kBound = Symbol('bound'); // the path to remove
const kEmitsClose = Symbol('emits close');

/*
 * Input is asked for when somebody wants it: by reading, or by listening for what only reading finds out (that the
 * peer has ended). A connection that nobody listens to and nobody holds is collected, and closed.
 */
const WAKING = new Set(['data', 'readable', 'end', 'close', 'error', 'timeout', 'lost']);

function pickStreamOptions(options) {
  const picked = {};
  for (const name of readOptions.STREAM) if (options[name] !== undefined) picked[name] = options[name];
  return picked;
}

class Connection extends Duplex {
  // `options` are the user's, `own` those of the kind of stream.
  constructor(options, own) {
    super({ ...pickStreamOptions(options), ...own, allowHalfOpen: options.allowHalfOpen === true, autoDestroy: true,
      emitClose: false, signal: undefined });
    this[kEmitsClose] = options.emitClose !== false;
    this[kHandle] = null;
    this[kWritable] = false;
    this[kFinal] = null;
    this[kReading] = false;
    this[kOnClose] = null;
    this[kPeer] = undefined;
    this[kBound] = null;
  }

  get fd() { return this[kHandle] === null ? -1 : this[kHandle].fd(); }

  // Who is at the other end, as the kernel noted it when the connection was made; undefined once it is closed.
  get peer() {
    if (this[kPeer] === undefined && this[kHandle] !== null) this[kPeer] = new Peer(() => this.fd);
    return this[kPeer];
  }

  // A Descriptor that stands for the peer's process (pidfd_open(2)): poll it, or send it a signal.
  openPeerPidfd() { return Peer.openPidfd(this.fd); }

  ref() {
    this[kHandle]?.setRef(true);
    return this;
  }

  unref() {
    this[kHandle]?.setRef(false);
    return this;
  }

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

  // Ends, and destroys once everything has been sent.
  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    if (this.closed) return;
    const gone = new Promise(resolve => this.once('close', resolve));
    this.on('error', () => {});
    this.destroySoon();
    await gone;
  }
}

// The last thing a constructor does.
function attach(connection, handle, signal) {
  handle[kOwner] = connection;
  connection[kHandle] = handle;
  connection[kWritable] = true;
  if (signal !== undefined) addAbortSignal(signal, connection);
}

// The first thing _destroy() does.
function detach(connection) {
  const handle = connection[kHandle];
  connection[kWritable] = false;
  connection[kHandle] = null;
  if (handle === null) return;
  connection[kPeer]?.remember();
  handle.close();
  if (connection[kBound] !== null) removeBound(connection[kBound]);
}

// The last thing it does: 'close' tells, as net.Socket's does, whether it was an error.
function finishDestroy(connection, error, callback) {
  callback(error);
  if (connection[kEmitsClose]) process.nextTick(emitClose, connection, Boolean(error));
}

function emitClose(connection, hadError) {
  connection.emit('close', hadError);
}

function removeBound(path) {
  try {
    unlinkSync(path);
  } catch {
    // somebody else has removed it
  }
}

function wake(connection) {
  if (!connection[kReading] && connection[kHandle] !== null && !connection.readableEnded) connection.read(0);
}

// What the addon calls on a handle when the peer has ended.
function onEnd() {
  const connection = this[kOwner];
  connection.push(null);
  connection.read(0); // so that 'end' comes also when nothing is left to read
}

module.exports = { Connection, attach, detach, finishDestroy, onEnd, removeBound, wake, kBound, kFinal, kHandle, kOnClose, kOwner, kPeer, kReading, kWritable };
