// SPDX-License-Identifier: MIT
// fetch.js - fetch() and a Dispatcher for http+unix: URLs, on npm's undici, which the user installs.
'use strict';

const net = require('node:net');
const { parseAddress, formatAddress } = require('./address');
const { connectDescriptor } = require('./connect');
const { invalidType, invalidValue } = require('./errors');
const readOptions = require('./options');
const validate = require('./validate');

const ORIGIN = 'http://localhost'; // what a server on a Unix socket is called in its Host header
const VIEWS_MAX = 256;

function undici() {
  try {
    return require('undici');
  } catch (cause) {
    const error = new Error('sunpath.fetch and sunpath.Dispatcher need the package undici: npm install undici', { cause });
    error.code = 'ERR_MODULE_NOT_FOUND';
    throw error;
  }
}

// { address, uri } of 'http+unix://%2Frun%2Fapp.sock/uri' and the other spellings; null for any other URL.
function takeApart(url) {
  if (!/^(http\+unix:|unix:|http:\/\/unix:)/i.test(url)) return null;
  const { uri, ...parts } = parseAddress(url.replace(/#.*$/s, ''));
  return { address: formatAddress(parts), uri: uri ?? '/' };
}

function urlOf(address, uri) {
  const parts = parseAddress(address);
  const host = parts.kind === 'path' ? parts.name : address;
  return `http+unix://${encodeURIComponent(host)}${uri}`;
}

// Connections for undici: ours, with our reasons when they fail, in a socket of Node's.
function connector(address, options) {
  return (_, callback) => {
    connectDescriptor(address, options)
      .then(descriptor => callback(null, new net.Socket({ fd: descriptor.take(), readable: true, writable: true })))
      .catch(callback);
  };
}

let made;

function dispatcherClass() {
  return (made ??= makeClass(undici()));
}

function makeClass({ Dispatcher: Base, Pool }) {
  /*
   * An undici dispatcher. With an address everything it is asked for goes there, whatever its origin; without one
   * the origins are http+unix: URLs. `options` are those of undici's Pool, but for `connect`: those of our connect().
   */
  return class Dispatcher extends Base {
    #address;
    #options;
    #connect;
    #pools;
    #views = new Map();
    #isView = false;

    constructor(address, options) {
      super();
      if (typeof address === 'object' && options === undefined) [address, options] = [undefined, address];
      validate.optional(validate.address, address);
      const { connect: given = {}, ...rest } = validate.optional(validate.object, options, 'options') ?? {};
      const connect = readOptions.known(validate.object(given, 'options.connect'), ...readOptions.CONNECT);
      readOptions.connect(connect);
      this.#address = address === undefined ? undefined : takeApart(address)?.address ?? formatAddress(parseAddress(address));
      this.#connect = connect;
      this.#options = rest;
      this.#pools = new Map();
    }

    dispatch(options, handler) {
      const address = this.#address ?? takeApart(String(options.origin))?.address;
      if (address === undefined) throw invalidValue('origin', 'must be an http+unix: URL', options.origin);
      return this.#pool(address).dispatch({ ...options, origin: ORIGIN }, handler);
    }

    /** The same connections, for one address. */
    at(address) {
      let view = this.#views.get(address);
      if (!view) {
        if (this.#views.size >= VIEWS_MAX) this.#views.delete(this.#views.keys().next().value);
        view = new Dispatcher(address);
        view.#pools = this.#pools;
        view.#connect = this.#connect;
        view.#options = this.#options;
        view.#isView = true;
        this.#views.set(address, view);
      }
      return view;
    }

    #pool(address) {
      let pool = this.#pools.get(address);
      if (!pool) {
        pool = new Pool(ORIGIN, { ...this.#options, connect: connector(address, this.#connect) });
        pool.on('disconnect', () => {
          // Of many sockets that were asked once, nothing stays.
          if (pool.stats.connected === 0 && pool.stats.size === 0 && this.#pools.get(address) === pool) {
            this.#pools.delete(address);
          }
        });
        this.#pools.set(address, pool);
      }
      return pool;
    }

    #all(callback, end) {
      const done = this.#isView ? Promise.resolve() : Promise.all([...this.#pools.values()].map(end)).then(() => {});
      if (typeof callback !== 'function') return done;
      done.then(() => callback(null, null), error => callback(error));
      return undefined;
    }

    close(callback) {
      return this.#all(callback, pool => pool.close());
    }

    destroy(error, callback) {
      if (typeof error === 'function') [error, callback] = [null, error];
      return this.#all(callback, pool => pool.destroy(error ?? null));
    }
  };
}

let shared;

function partsOf(input, init) {
  if (typeof input === 'string' || input instanceof URL) return [String(input), init];
  if (input !== null && typeof input === 'object' && typeof input.url === 'string') {
    const { method, headers, body, signal, redirect } = input;
    return [input.url, { method, headers, body, signal, redirect, duplex: body ? 'half' : undefined, ...init }];
  }
  throw invalidType('input', 'of type string or an instance of URL or Request', input);
}

/** fetch() as undici has it, for http+unix: URLs, too. Redirects stay on the socket. */
async function fetch(input, init) {
  validate.optional(validate.object, init, 'init');
  const [url, options] = partsOf(input, init);
  const parts = takeApart(url);
  if (!parts) return undici().fetch(input, init);
  const Dispatcher = dispatcherClass();
  const { dispatcher = (shared ??= new Dispatcher()) } = options ?? {};
  const chosen = dispatcher instanceof Dispatcher ? dispatcher.at(parts.address) : dispatcher;
  const response = await undici().fetch(ORIGIN + parts.uri, { ...options, dispatcher: chosen });
  const { pathname, search } = new URL(response.url);
  return Object.defineProperty(response, 'url', { value: urlOf(parts.address, pathname + search), configurable: true });
}

// The class extends one of undici's, which is asked for with the first `new Dispatcher()`.
function Dispatcher(...args) {
  return Reflect.construct(dispatcherClass(), args);
}
Object.defineProperty(Dispatcher, Symbol.hasInstance, { value: value => made !== undefined && value instanceof made });

module.exports = { fetch, Dispatcher };
