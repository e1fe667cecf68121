// SPDX-License-Identifier: MIT
// node-unix-socket.d.ts - what node-unix-socket 0.2.7 exports, and what was added to it.

/// <reference types="node" />

import { EventEmitter } from 'events';

export type SendCb = (err: undefined | Error) => void;
export type NotifyCb = () => void;

export interface SettleOptions {
  /**
   * Callbacks of what was not sent are called when the socket is closed, with an error whose code is `ECANCELED`.
   * Without it they are never called, as with node-unix-socket.
   */
  settle?: boolean;
}

/** A SOCK_DGRAM socket. New programs want `sunpath.bind()`. */
export class DgramSocket extends EventEmitter {
  constructor(options?: SettleOptions);

  /** Makes the socket's file, with the mode that the umask leaves; throws when it cannot. The file is never removed. */
  bind(socketPath: string): void;

  /** Sends `buf[offset, offset + length)`. `onWrite` may be called inside: when the kernel took it, or with the error. */
  sendTo(buf: Uint8Array, offset: number, length: number, destPath: string, onWrite?: SendCb): void;

  /** SO_RCVBUF: twice of what was set. */
  getRecvBufferSize(): number;
  setRecvBufferSize(size: number): void;

  /** SO_SNDBUF: twice of what was set. */
  getSendBufferSize(): number;
  setSendBufferSize(size: number): void;

  /** How much of a datagram is received: 256 KiB by default, more than Linux lets through. */
  getInternalReadBufferSize(): number;
  setInternalReadBufferSize(size: number): void;

  /** The path, `'\0'` and an abstract name, or `''` before bind(); throws after close(). */
  address(): string;

  ref(): void;
  unref(): void;

  /** Emits 'close' before it returns. */
  close(): void;

  on(event: 'data', listener: (buf: Buffer, path: string) => void): this;
  /** The next 'data' is only the beginning of a datagram of `size` bytes. */
  on(event: 'truncated', listener: (size: number) => void): this;
  on(event: 'error', listener: (err: NodeJS.ErrnoException) => void): this;
  on(event: 'close', listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** A server of SOCK_SEQPACKET connections. New programs want `sunpath.listen()`. */
export class SeqpacketServer extends EventEmitter {
  constructor(options?: SettleOptions);

  /** Makes the socket's file, with the mode that the umask leaves, and listens; throws when it cannot. */
  listen(bindpath: string, backlog?: number): void;

  /** The path, `'\0'` and an abstract name, or `''` before listen(); throws after close(). */
  address(): string;

  ref(): void;
  unref(): void;

  /** Accepts no more. Connections go on, and the file stays. Emits 'close' before it returns. */
  close(): void;

  on(event: 'connection', listener: (socket: SeqpacketSocket, peerName: string) => void): this;
  on(event: 'error', listener: (err: NodeJS.ErrnoException) => void): this;
  on(event: 'close', listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** A SOCK_SEQPACKET connection. New programs want `sunpath.connect()`. */
export class SeqpacketSocket extends EventEmitter {
  /** With a connected descriptor it is read from at once. */
  constructor(fd?: number, options?: SettleOptions);

  /** Throws, and closes, when it fails at once. A full backlog is waited out for 10 seconds. */
  connect(serverPath: string, connectCb?: NotifyCb): void;

  /** Sends `buf[offset, offset + length)` as one packet. `cb` is called when the kernel has it, perhaps inside. */
  write(buf: Uint8Array, offset?: number, length?: number, cb?: NotifyCb): void;

  /** Sends no more, once everything written is sent. The socket closes when the peer has ended, too. */
  end(cb?: NotifyCb): void;

  /** How much of a packet is received; the rest of a longer one is lost. 256 KiB by default. */
  getInternalReadBufferSize(): number;
  setInternalReadBufferSize(size: number): void;

  ref(): void;
  unref(): void;

  /** Emits 'close' before it returns. */
  destroy(): void;
  close(): void;

  on(event: 'connect', listener: () => void): this;
  on(event: 'data', listener: (buf: Buffer) => void): this;
  /** The next 'data' is only the beginning of a packet of `size` bytes. */
  on(event: 'truncated', listener: (size: number) => void): this;
  on(event: 'end', listener: () => void): this;
  on(event: 'error', listener: (err: NodeJS.ErrnoException) => void): this;
  on(event: 'close', listener: () => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

/**
 * A TCP descriptor with SO_REUSEPORT, bound and not listening, for `net.Server.listen({ fd })`. `host` is an IPv4 or
 * IPv6 address.
 */
export function createReuseportFd(port?: number, host?: string): number;

/** Closes a descriptor that no server listens on. */
export function closeFd(fd: number): void;
