// SPDX-License-Identifier: MIT
// serve.js - an HTTP server on our engine: a handler from Request to Response.
'use strict';

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const binding = require('./binding');
const { inherited } = require('./cluster');
const validate = require('./validate');
const { invalidType, serverNotRunning } = require('./errors');
const { answer, discard } = require('./http-answer');
const { Exchange, STREAMED } = require('./http-exchange');
const quick = require('./http-quick');
const { ServedRequest, BadRequest } = require('./http-request');
const readOptions = require('./options');
const { Peer } = require('./peer');

const kServer = Symbol('server');
const kServe = Symbol('serve');
const kClosed = Symbol('closed');
const CLOSED = 5; // as node/src/http.h has them
const LOST = 6;

const PIECE_MAX = 256 * 1024;
const OUTPUT_MIN = 4096;
const DRAIN_MS = 10_000;
const INT_MAX = 0x7fffffff;
const LIMITS = ['maxHead', 'maxHeaders', 'maxOutput', 'maxConnections', 'maxRequests', 'maxConnectionsPerUid',
  'maxRequestsPerUidSecond'];
const TIMEOUTS = ['headTimeout', 'bodyTimeout', 'writeTimeout', 'keepAliveTimeout', 'answerTimeout'];
const OTHERS = ['maxBody', 'dropsExcess', 'serverName', 'drainTimeout', 'onError', 'accessLog'];

// As the addon takes them; what is not given is the engine's default.
function engineOptions(options) {
  const native = {};
  for (const name of LIMITS) {
    const min = name === 'maxOutput' ? OUTPUT_MIN : 1;
    native[name] = validate.optional(validate.integer, options[name], `options.${name}`, min, INT_MAX);
  }
  for (const name of TIMEOUTS) {
    const value = options[name];
    native[name] = value === Infinity ? -1 : validate.optional(validate.integer, value, `options.${name}`, 1, INT_MAX);
  }
  const { maxBody } = options;
  native.maxBody = maxBody === Infinity ? maxBody : validate.optional(validate.integer, maxBody, 'options.maxBody', 1);
  native.dropsExcess = validate.optional(validate.boolean, options.dropsExcess, 'options.dropsExcess');
  native.serverName = validate.optional(validate.address, options.serverName, 'options.serverName');
  return native;
}

/** What a handler can know of a request beside the Request. */
class RequestInfo {
  #exchange;
  #peer;

  constructor(exchange) {
    this.#exchange = exchange;
  }

  // What is to be known of it is asked for while the request is under way.
  get peer() {
    const exchange = this.#exchange;
    return (this.#peer ??= new Peer(() => (exchange.isOver ? -1 : binding.httpFd(exchange.number))));
  }

  get server() {
    return this.#exchange.server;
  }

  get httpVersion() {
    return /^[^\r\n]* HTTP\/1\.0/.test(this.#exchange.head) ? '1.0' : '1.1';
  }
}

class HttpServer extends EventEmitter {
  #native;
  #handler;
  #onError;
  #drainMs;
  #addresses = [];
  #closing = null;

  constructor(options, handler) {
    super();
    const native = engineOptions(options);
    this.pending = new Map(); // exchanges that something will still be told of
    // Bytes given to the engine at once; more goes in pieces, as the client takes it.
    this.pieceMax = Math.min(PIECE_MAX, Math.floor((native.maxOutput ?? Infinity) / 4));
    Object.defineProperties(this, { pending: { enumerable: false }, pieceMax: { enumerable: false } });
    this.#handler = handler;
    this.#onError = validate.optional(validate.fn, options.onError, 'options.onError') ?? reportError;
    this.#drainMs = validate.optional(readOptions.duration, options.drainTimeout, 'options.drainTimeout') ?? DRAIN_MS;
    this.#native = new binding.HttpServer(native);
    this.#native[kServer] = this;
  }

  get address() {
    return this.#addresses[0];
  }

  get addresses() {
    return [...this.#addresses];
  }

  get listening() {
    return this.#addresses.length > 0 && !this.#closing;
  }

  listen(address, options) {
    const [place, wanted] = inherited(address, readOptions.listen(options));
    const published = this.#native.listen(place, wanted);
    this.#addresses.push(place === address ? published : address);
  }

  log(options) {
    this.#native.log(options);
  }

  /** Opens the access log anew, after it was renamed. */
  reopenLog() {
    this.#native.reopenLog();
  }

  /**
   * Takes no more connections, lets what is under way finish, and cuts off what is left after `timeout`
   * milliseconds (Infinity: waits as long as it takes).
   */
  close(options = {}) {
    options = readOptions.known(options, 'timeout');
    const timeout = validate.optional(readOptions.duration, options.timeout, 'options.timeout') ?? this.#drainMs;
    this.#closing ??= new Promise(resolve => {
      this.once(kClosed, resolve);
      this.#native.close(timeout);
    });
    return this.#closing;
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.close();
  }

  ref() {
    this.#native.setRef(true);
    return this;
  }

  unref() {
    if (!this.#closing) this.#native.setRef(false); // else somebody waits for the end of it
    return this;
  }

  stats() {
    const stats = this.#native.stats();
    if (!stats) throw serverNotRunning();
    return stats;
  }

  // Returns the body of an answer that is simple (http-quick.js); else it is given by calls, now or later.
  [kServe](exchange) {
    const { number, bodyKind } = exchange;
    const request = new ServedRequest(exchange);
    const info = new RequestInfo(exchange);
    try {
      const handler = this.#handler;
      const result = handler(request, info);
      if (typeof result?.then === 'function') {
        this.pending.set(number, exchange);
        quick.wait(exchange);
        this.#finish(exchange, request, info, result);
        return undefined;
      }
      const isPlain = bodyKind !== STREAMED || typeof result === 'string';
      const body = isPlain && !exchange.isOver ? quick.answer(result, this.pieceMax / 3) : undefined;
      if (body !== undefined) {
        exchange.isOver = true;
        return body;
      }
      if (bodyKind === STREAMED) this.pending.set(number, exchange);
      const later = answer(exchange, result);
      if (!later) {
        quick.learn(result);
        return undefined;
      }
      if (!exchange.isOver) this.pending.set(number, exchange);
      quick.wait(exchange);
      this.#finish(exchange, request, info, later, true);
    } catch (error) {
      this.pending.set(number, exchange);
      quick.wait(exchange);
      this.#fail(exchange, request, info, error);
    }
    return undefined;
  }

  async #finish(exchange, request, info, promise, isAnswered = false) {
    try {
      const result = await promise;
      if (!isAnswered) await this.#answer(exchange, result);
    } catch (error) {
      await this.#fail(exchange, request, info, error);
    }
  }

  // Of a handler that took time; a promise when the answer does, too.
  #answer(exchange, result) {
    if (exchange.isOver) {
      discard(result);
      return undefined;
    }
    if (exchange.give(result)) return undefined;
    const later = answer(exchange, result);
    if (!later) quick.learn(result);
    return later;
  }

  // What goes wrong because the client has left is nobody's fault.
  async #fail(exchange, request, info, error) {
    if (exchange.isOver) return;
    if (error instanceof BadRequest) {
      exchange.fail(400);
      return;
    }
    try {
      const onError = this.#onError;
      const result = await onError(error, request, info);
      if (result !== undefined && !exchange.isStarted && !exchange.isOver) await answer(exchange, result);
    } catch (worse) {
      reportError(worse);
    }
    exchange.fail(500);
  }
}

// `this` is the engine's object. Each request is an asynchronous resource of its own, as with Node's http: what a handler
// does with AsyncLocalStorage.enterWith() is not there for the next one.
function onRequest(head) {
  const server = this[kServer];
  const exchange = new Exchange(server, quick.number(), new quick.Head(head), quick.bodyKind());
  return quick.keep(new AsyncResource('SUNPATHREQUEST').runInAsyncScope(server[kServe], server, exchange));
}

function onEvent(number, event, value) {
  const server = this[kServer];
  if (event === LOST) {
    quick.giveKept(number);
    return;
  }
  if (event !== CLOSED) {
    server.pending.get(number)?.tell(event, value);
    return;
  }
  server.emit(kClosed);
  server.emit('close');
}

function reportError(error) {
  console.error(error);
}

/** A function, or what has one named `fetch` (as Hono's apps and `export default { fetch }` do). */
function handlerOf(value) {
  if (typeof value === 'function') return value;
  if (value !== null && typeof value === 'object' && typeof value.fetch === 'function') {
    return (request, info) => value.fetch(request, info);
  }
  throw invalidType('handler', 'of type function or an object with a function named fetch', value);
}

function logOptions(value) {
  if (value === undefined || value === false) return null;
  if (value === true) return {};
  if (typeof value === 'string') return { path: value };
  return validate.object(value, 'options.accessLog');
}

/** serve(address, [options,] handler) */
async function serve(address, options, handler) {
  if (handler === undefined && (typeof options === 'function' || typeof options?.fetch === 'function')) {
    [options, handler] = [{}, options];
  }
  const addresses = Array.isArray(address) ? validate.strings(address, 'address') : [validate.address(address)];
  if (addresses.length === 0) throw invalidType('address', 'of type string or an array of them', address);
  options = readOptions.known(options ?? {}, ...readOptions.PUBLISH, ...LIMITS, ...TIMEOUTS, ...OTHERS);
  const server = new HttpServer(options, handlerOf(handler));
  try {
    const log = logOptions(options.accessLog);
    if (log) server.log(log);
    for (const one of addresses) server.listen(one, options);
  } catch (error) {
    server.close({ timeout: 0 });
    throw error;
  }
  return server;
}

module.exports = { serve, HttpServer, callbacks: [onRequest, onEvent] };
