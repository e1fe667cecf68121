// SPDX-License-Identifier: MIT
// http-request.js - a request as the Fetch standard has it, made of the bytes only when asked.
'use strict';

const { Readable } = require('node:stream');
const { NO_BODY } = require('./http-exchange');
const { ServedHeaders } = require('./http-headers');

// What the URL standard leaves as it is: no IPv4 in disguise, no punycode, no dots to resolve.
const PLAIN_HOST = /^(?!.*xn--)(?:[a-z0-9_-]+\.)*[a-z_][a-z0-9_-]*(?::(?!80$)[1-9][0-9]{0,3})?$/;
const PLAIN_TARGET = /^\/(?!\.|.*\/\.|[^?]*%2e)[A-Za-z0-9\-._~!$&()*+,;=:@/%]*(\?[A-Za-z0-9\-._~!$&()*+,;=:@/?%]*)?$/i;

// Request is a lazy global in some versions of Node.js: it is looked at when a server is made.
const { Request } = globalThis;

/** The client's fault: answered with 400. */
class BadRequest extends TypeError {}

function parsed(text) {
  try {
    return new URL(text).href;
  } catch (error) {
    throw new BadRequest('The request has no valid URL', { cause: error });
  }
}

function hostOf(head) {
  const found = /^host[ \t]*:[ \t]*(.*?)[ \t]*$/im.exec(head);
  return (found && found[1]) || 'localhost';
}

let lastHost = 'localhost'; // one that is known to be plain

// Nearly always the same one, spelled in the usual way.
function plainHostOf(head) {
  const at = head.indexOf('\r\nHost: ') + 8;
  if (at < 8) return null;
  const host = head.slice(at, head.indexOf('\r', at));
  if (host !== lastHost && PLAIN_HOST.test(host)) lastHost = host;
  return host === lastHost ? host : null;
}

/** The URL standard's spelling of what was asked for; throws BadRequest when there is none. */
function urlOf(head) {
  const methodEnd = head.indexOf(' ');
  const target = head.slice(methodEnd + 1, head.indexOf(' ', methodEnd + 1));
  if (target.charCodeAt(0) === 0x2f) {
    const host = plainHostOf(head);
    return host !== null && PLAIN_TARGET.test(target) ? `http://${host}${target}` : parsed(`http://${hostOf(head)}${target}`);
  }
  if (target === '*') return parsed(`http://${hostOf(head)}/`);
  return parsed(target.includes('://') ? target : `http://${target}/`);
}

/** What the handler gets: `instanceof Request`, with nothing made that it does not ask for. */
class ServedRequest {
  #exchange;
  #url = null;
  #headers = null;
  #stream; // once `body` was asked for
  #isUsed = false;
  #real = null; // once it was cloned, or passed on as a Request

  constructor(exchange) {
    this.#exchange = exchange;
  }

  get method() {
    const { head } = this.#exchange;

    return head.startsWith('GET ') ? 'GET' : head.slice(0, head.indexOf(' '));
  }

  get url() {
    return (this.#url ??= urlOf(this.#exchange.head));
  }

  get headers() {
    return (this.#headers ??= new ServedHeaders(this.#exchange.head));
  }

  get signal() {
    return this.#exchange.signal;
  }

  get body() {
    if (this.#real) {
      return this.#real.body;
    }
    if (this.#exchange.bodyKind === NO_BODY) {
      return null;
    }
    return (this.#stream ??= this.#exchange.openBody());
  }

  get bodyUsed() {
    return this.#real ? this.#real.bodyUsed : this.#isUsed || isDisturbed(this.#stream);
  }

  async arrayBuffer() {
    const bytes = await this.#readAll();

    return bytes.byteLength === bytes.buffer.byteLength
      ? bytes.buffer
      : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  }

  async bytes() {
    const bytes = await this.#readAll();

    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async text() {
    return decode(await this.#readAll());
  }

  async json() {
    return JSON.parse(decode(await this.#readAll()));
  }

  async blob() {
    return new Blob([await this.#readAll()], { type: this.headers.get('content-type') ?? '' });
  }

  async formData() {
    const type = this.headers.get('content-type') ?? '';

    return new Response(await this.#readAll(), { headers: { 'content-type': type } }).formData();
  }

  clone() {
    return this.#materialize().clone();
  }

  get destination() {
    return '';
  }

  get referrer() {
    return 'about:client';
  }

  get referrerPolicy() {
    return '';
  }

  get mode() {
    return 'cors';
  }

  get credentials() {
    return 'same-origin';
  }

  get cache() {
    return 'default';
  }

  get redirect() {
    return 'follow';
  }

  get integrity() {
    return '';
  }

  get keepalive() {
    return false;
  }

  get isReloadNavigation() {
    return false;
  }

  get isHistoryNavigation() {
    return false;
  }

  get duplex() {
    return 'half';
  }

  async #readAll() {
    if (this.#real) {
      return Buffer.from(await this.#real.arrayBuffer());
    }
    if (this.bodyUsed) {
      throw new TypeError('Body is unusable: it has been read already');
    }
    if (this.#stream) {
      return Buffer.from(await new Response(this.#stream).arrayBuffer());
    }
    if (this.#exchange.bodyKind === NO_BODY) {
      return Buffer.alloc(0);
    }
    this.#isUsed = true;
    return this.#exchange.readBody();
  }

  // What only a Request of the platform can do.
  #materialize() {
    if (!this.#real) {
      if (this.bodyUsed) {
        throw new TypeError('Body is unusable: it has been read already');
      }
      const { body } = this;
      this.#real = new Request(this.url, {
        method: this.method,
        headers: this.headers,
        signal: this.signal,
        body,
        duplex: 'half',
      });
    }
    return this.#real;
  }

  static materialize(request) {
    return request.#materialize();
  }
}

function decode(bytes) {
  const text = bytes.toString('utf8');

  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function isDisturbed(stream) {
  return stream !== undefined && Readable.isDisturbed(stream);
}

Object.setPrototypeOf(ServedRequest.prototype, Request.prototype);

// Until Node.js 22 a Request keeps what it is in properties with symbols as names, and `fetch(request)`
// and `new Request(request)` look for them.
for (const symbol of Object.getOwnPropertySymbols(new Request('http://localhost/'))) {
  Object.defineProperty(ServedRequest.prototype, symbol, {
    get() {
      return ServedRequest.materialize(this)[symbol];
    },
  });
}

module.exports = { ServedRequest, BadRequest };
