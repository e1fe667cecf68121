// SPDX-License-Identifier: MIT
// http-exchange.js - one request and its answer, by the number that the engine knows it by.
'use strict';

const binding = require('./binding');
const { IncomingBody } = require('./http-body');
const quick = require('./http-quick');

// How a body comes, and what is told later on: node/src/http.h has the same numbers.
const NO_BODY = 0;
const COLLECTED = 1;
const STREAMED = 2;
const PIECE = 1;
const BODY_END = 2;
const DRAIN = 3;
const FINISH = 4;

const FULL = -105; // ENOBUFS: more than maxOutput would wait for the client

function abortError(message) {
  return new DOMException(message, 'AbortError');
}

class Exchange {
  constructor(server, number, head, bodyKind) {
    this.server = server;
    this.number = number;
    this.rawHead = head; // a Head
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

  get head() {
    return this.rawHead.toString();
  }

  get signal() {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.error) this.controller.abort(this.error);
    }
    return this.controller.signal;
  }

  async readBody() {
    if (this.bodyKind === COLLECTED) return collected(this);
    return incomingOf(this).collect();
  }

  openBody() {
    if (this.bodyKind !== COLLECTED) return incomingOf(this).stream();
    return new ReadableStream({
      type: 'bytes',
      pull: controller => {
        const bytes = collected(this);
        controller.enqueue(bytes);
        controller.close();
      },
    }, { highWaterMark: 0 });
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
    const max = this.server.pieceMax;
    for (let at = 0; at < bytes.byteLength && !this.isOver; at += max) {
      const piece = bytes.byteLength <= max ? bytes : bytes.subarray(at, at + max);
      let result = binding.httpWrite(this.number, piece);
      while (result === FULL && !this.isOver) {
        await room(this);
        result = binding.httpWrite(this.number, piece);
      }
      if (check(result) === 1) await room(this);
    }
  }

  end() {
    if (this.isOver) return;
    const result = binding.httpEnd(this.number);
    settle(this, null);
    check(result);
  }

  respond(status, headers, count, body, isExact) {
    if (this.isOver) return;
    check(binding.httpRespond(this.number, status, headers, count, body, isExact));
    settle(this, null);
  }

  // False: the answer is not simple enough.
  give(result) {
    const given = quick.give(this.number, result, this.server.pieceMax / 3);
    if (given === undefined) return false;
    check(given);
    settle(this, null);
    return true;
  }

  // In the engine's words, or by cutting the connection when the answer is begun.
  fail(status) {
    if (this.isOver) return;
    binding.httpFail(this.number, status);
    settle(this, null);
  }

  // ---- what the engine tells ----

  tell(event, value) {
    if (event === PIECE) incomingOf(this).push(value);
    else if (event === BODY_END) incomingOf(this).end();
    else if (event === DRAIN) tellRoom(this);
    else if (event === FINISH) settle(this, abortError(value === 0 ? 'The answer was ended' : reasonOf(value)));
  }
}

// Functions, not private methods, which would cost each exchange time when it is made.

function answered() {
  return new TypeError('Body is unusable: the request has been answered');
}

function collected(exchange) {
  const bytes = exchange.isOver ? undefined : binding.httpBody(exchange.number); // others get the number then
  if (!bytes) throw exchange.error ?? answered();
  return bytes;
}

function incomingOf(exchange) {
  if (!exchange.incoming) {
    exchange.incoming = new IncomingBody(isHeld => binding.httpHold(exchange.number, isHeld));
    if (exchange.isOver) exchange.incoming.fail(exchange.error ?? answered());
  }
  return exchange.incoming;
}

function room(exchange) {
  return new Promise(resolve => {
    exchange.onRoom = resolve;
  });
}

function tellRoom(exchange) {
  const resolve = exchange.onRoom;
  exchange.onRoom = null;
  if (resolve) resolve();
}

function settle(exchange, error) {
  if (exchange.isOver) return;
  exchange.isOver = true;
  exchange.error = error;
  exchange.server.pending.delete(exchange.number);
  if (exchange.incoming) exchange.incoming.fail(error ?? answered());
  if (exchange.onRoom) tellRoom(exchange);
  if (!error) return;
  const { onGone } = exchange;
  exchange.onGone = null;
  if (onGone) onGone(error);
  if (exchange.controller) exchange.controller.abort(error);
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
    : new Error(result === FULL ? 'The answer is larger than maxOutput' : 'The answer cannot be sent');
  error.code = result === -90 ? 'ERR_HTTP_BODY_NOT_ALLOWED' : 'ERR_HTTP_ANSWER';
  error.errno = result;
  throw error;
}

module.exports = { Exchange, NO_BODY, COLLECTED, STREAMED };
