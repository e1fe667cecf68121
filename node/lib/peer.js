// SPDX-License-Identifier: MIT
// peer.js - Peer: who is at the other end of a connection; and Descriptor, a descriptor that JavaScript owns.
'use strict';

const { inspect } = require('node:util');
const binding = require('./binding');

// What cannot be known is undefined: no such process any more, no such feature of the kernel, no right to look.
function ifKnown(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/*
 * pid, uid and gid are noted by the kernel when the connection is made and do not change. Everything is asked for
 * when it is first looked at; pid, uid and gid are still there after the connection has been closed when they, or
 * the peer itself, were looked at before.
 */
class Peer {
  #fd;
  #base;
  #known = {};

  // `fd` returns the connection's descriptor, or -1 once it is closed.
  constructor(fd) {
    this.#fd = fd;
  }

  #read(name, read) {
    if (!(name in this.#known)) {
      const fd = this.#fd();
      if (fd < 0) return undefined;
      this.#known[name] = ifKnown(() => read(fd));
    }
    return this.#known[name];
  }

  get #identity() {
    return this.#base ??= this.#read('base', binding.peerRead) ?? {};
  }

  get pid() { return this.#identity.pid; }
  get uid() { return this.#identity.uid; }
  get gid() { return this.#identity.gid; }
  // It lives where this process cannot see its pid, which is 0 then.
  get isOutsidePidNamespace() { return this.#identity.isOutsidePidNamespace; }
  // Its ids have no name in this user namespace and mean nothing.
  get isUnmapped() { return this.#identity.isUnmapped; }
  get groups() { return this.#read('groups', binding.peerGroups); }
  get exe() { return this.#read('exe', binding.peerExecutable); }
  get label() { return this.#read('label', binding.peerLabel); }

  // Called before the connection is closed.
  remember() {
    void this.#identity;
  }

  toJSON() {
    const { pid, uid, gid, groups, exe, label } = this;
    return { pid, uid, gid, groups, exe, label };
  }

  [inspect.custom](depth, options) {
    return `Peer ${inspect(this.toJSON(), options)}`;
  }

  static openPidfd(fd) {
    const { fd: pidfd, isRacy } = binding.peerPidfd(fd < 0 ? 0x7fffffff : fd);
    const descriptor = new Descriptor(pidfd);
    descriptor.isRacy = isRacy;
    return descriptor;
  }
}

/*
 * Descriptor(fd): a descriptor that JavaScript owns. Closed by close(), by `using`, or when it is forgotten and
 * collected; take() returns the number, which is the caller's to close from then on.
 */
const { Descriptor } = binding;

Object.defineProperties(Descriptor.prototype, {
  // The number; -1 when it is closed or was taken.
  fd: { configurable: true, get() { return this.get(); } },
  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]: { configurable: true, value() { this.close(); } },
  [inspect.custom]: { configurable: true, value() { return `Descriptor { fd: ${this.fd} }`; } },
});

module.exports = { Peer, Descriptor };
