// SPDX-License-Identifier: MIT
// http-exchange.js - one request and its answer, by the number that the engine knows it by.
'use strict';

const binding = require('./binding');
const { IncomingBody } = require('./http-body');

// How a body comes, and what is told later on: node/src/http.h has the same numbers.
const NO_BODY = 0;
const COLLECTED = 1;
const STREAMED = 2;
const PIECE = 1;
const BODY_END = 2;
const DRAIN = 3;
const FINISH = 4;

const PIECE_MAX = 256 * 1024; // bytes written at once: what the engine calls its high mark

function abortError(message) {
  return new DOMException(message, 'AbortError');
}

class Exchange {
  constructor(server, number, head, bodyKind) {
    this.server = server;
    this.number = number;
    this.head = head;
    this.bodyKind = bodyKind;
    this.isOver = false; // answered whole, or the client has left
    this.isStarted = false;
    this.error = null; // why the client did not get its answer
    this.controller = null;
    this.incoming = null;
    this.onRoom = null;
    this.onGone = null; // told once, with the error
  }

  // ---- the request ----

  get signal() {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.error) this.controller.abort(this.error);
    }
    return this.controller.signal;
  }

  async readBody() {
    if (this.bodyKind === COLLECTED) return this.#collected();
    return this.#incoming().collect();
  }

  openBody() {
    if (this.bodyKind !== COLLECTED) return this.#incoming().stream();
    return new ReadableStream({
      type: 'bytes',
      pull: controller => {
        const bytes = this.#collected();
        controller.enqueue(bytes);
        controller.close();
      },
    }, { highWaterMark: 0 });
  }

  #collected() {
    const bytes = binding.httpBody(this.number);
    if (!bytes) throw this.error ?? new TypeError('Body is unusable: the request has been answered');
    return bytes;
  }

  #incoming() {
    if (!this.incoming) {
      this.incoming = new IncomingBody(isHeld => binding.httpHold(this.number, isHeld));
      if (this.isOver) this.incoming.fail(this.error ?? new TypeError('Body is unusable: the request has been answered'));
    }
    return this.incoming;
  }

  // ---- the answer ----

  start(status, headers, count) {
    if (this.isOver) return;
    this.server.pending.set(this.number, this);
    check(binding.httpStart(this.number, status, headers, count));
    this.isStarted = true;
  }

  // Resolves when there is room for more.
  async write(bytes) {
    for (let at = 0; at < bytes.byteLength && !this.isOver; at += PIECE_MAX) {
      const piece = bytes.byteLength <= PIECE_MAX ? bytes : bytes.subarray(at, at + PIECE_MAX);
      if (check(binding.httpWrite(this.number, piece)) === 1) await this.#room();
    }
  }

  #room() {
    return new Promise(resolve => {
      this.onRoom = resolve;
    });
  }

  end() {
    if (this.isOver) return;
    const result = binding.httpEnd(this.number);
    this.#settle(null);
    check(result);
  }

  respond(status, headers, count, body, isExact) {
    if (this.isOver) return;
    check(binding.httpRespond(this.number, status, headers, count, body, isExact));
    this.#settle(null);
  }

  // In the engine's words, or by cutting the connection when the answer is begun.
  fail(status) {
    if (this.isOver) return;
    binding.httpFail(this.number, status);
    this.#settle(null);
  }

  // ---- what the engine tells ----

  tell(event, value) {
    if (event === PIECE) this.#incoming().push(value);
    else if (event === BODY_END) this.#incoming().end();
    else if (event === DRAIN) this.#tellRoom();
    else if (event === FINISH) this.#settle(abortError(value === 0 ? 'The answer was ended' : reasonOf(value)));
  }

  #tellRoom() {
    const resolve = this.onRoom;
    this.onRoom = null;
    if (resolve) resolve();
  }

  #settle(error) {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    this.server.pending.delete(this.number);
    if (this.incoming) this.incoming.fail(error ?? new TypeError('Body is unusable: the request has been answered'));
    this.#tellRoom();
    if (!error) return;
    const { onGone } = this;
    this.onGone = null;
    if (onGone) onGone(error);
    if (this.controller) this.controller.abort(error);
  }
}

// -ECANCELED, -ETIMEDOUT, -EMSGSIZE, -EBADMSG: what on_finish of http-server.h tells.
function reasonOf(errno) {
  switch (errno) {
    case -125: return 'The server was closed';
    case -110: return 'The client took too long';
    case -90: return 'The body is too large';
    case -74: return 'The body is malformed';
    default: return 'The client has left';
  }
}

// What the engine found wrong with an answer; undefined: its exchange is over.
function check(result) {
  if (result === undefined || result >= 0) return result;
  const error = result === -90
    ? new TypeError('The answer has more of a body than its status or Content-Length allows')
    : new Error(result === -105 ? 'The answer is larger than maxOutput' : 'The answer cannot be sent');
  error.code = result === -90 ? 'ERR_HTTP_BODY_NOT_ALLOWED' : 'ERR_HTTP_ANSWER';
  error.errno = result;
  throw error;
}

module.exports = { Exchange, NO_BODY, COLLECTED, STREAMED };
