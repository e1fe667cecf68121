// SPDX-License-Identifier: MIT
// http-answer.js - what a handler returned, put on the wire.
'use strict';

const { types } = require('node:util');
const { invalidType, outOfRange } = require('./errors');

const PEEK_MAX = 64 * 1024;

function invalidHeader(name, value) {
  const error = new TypeError(`Header "${name}" must be a string without control characters and beyond U+00FF. ` +
    `Received ${JSON.stringify(String(value))}`);
  error.code = 'ERR_INVALID_CHAR';
  return error;
}

// No control characters but tabs and our own NULs, and nothing that one byte cannot hold.
function isBytes(text) {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 ? code !== 0x09 && code !== 0 : code === 0x7f || code > 0xff) return false;
  }
  return true;
}

// The headers as the engine takes them, "name NUL value NUL ...", and how many there are.
class Fields {
  text = '';
  count = 0;

  add(name, value) {
    if (Array.isArray(value)) {
      for (const one of value) this.add(name, one);
      return;
    }
    if (value === undefined || value === null) return;
    const line = `${name}\0${value}\0`;
    if (!isBytes(line)) throw invalidHeader(name, value);
    this.text += line;
    this.count++;
  }
}

function fieldsOf(headers) {
  const fields = new Fields();
  if (headers === undefined || headers === null) return fields;
  if (typeof headers !== 'object') throw invalidType('headers', 'an object, an array of pairs or Headers', headers);
  if (typeof headers[Symbol.iterator] === 'function') {
    for (const [name, value] of headers) fields.add(name, value);
  } else {
    for (const name of Object.keys(headers)) fields.add(name, headers[name]);
  }
  return fields;
}

function statusOf(status) {
  if (status === undefined) return 200;
  if (!Number.isInteger(status)) throw invalidType('status', 'an integer', status);
  if (status < 200 || status > 599) throw outOfRange('status', '>= 200 and <= 599', status);
  return status;
}

// Bytes as a Uint8Array, or null when it is none.
function bytesOf(body) {
  if (body instanceof Uint8Array) return body;
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (types.isAnyArrayBuffer(body)) return new Uint8Array(body);
  return null;
}

function isStreamed(body) {
  return typeof body === 'object' && (typeof body[Symbol.asyncIterator] === 'function' ||
    typeof body.getReader === 'function' || typeof body[Symbol.iterator] === 'function');
}

// ---- a Response ----

// What a Response was made of can be seen in many versions of Node.js, which spares reading it back from a stream.
const STATE = (() => {
  const probe = new Response('x');
  const symbol = Object.getOwnPropertySymbols(probe).find(one => one.description === 'state');
  return symbol && probe[symbol]?.body?.source === 'x' ? symbol : null;
})();

function sourceOf(response) {
  const source = STATE ? response[STATE]?.body?.source : undefined;
  return typeof source === 'string' || source instanceof Uint8Array ? source : undefined;
}

function answerResponse(exchange, response) {
  const { status } = response;
  if (status === 0) throw new TypeError('Response.error() cannot be an answer');
  if (response.bodyUsed) throw new TypeError('Body is unusable: the Response has been read already');
  const source = sourceOf(response);
  const fields = fieldsOf(response.headers);
  if (source !== undefined) return answerBody(exchange, status, fields, source, true);
  const { body } = response;
  return body && !STATE ? answerStream(exchange, status, fields, body, true) : answerBody(exchange, status, fields, body, true);
}

// ---- bodies ----

// A promise when it takes time.
function answerBody(exchange, status, fields, body, isExact) {
  if (body === undefined || body === null) {
    exchange.respond(status, fields.text, fields.count, undefined, true);
    return undefined;
  }
  if (typeof body === 'string') {
    if (body.length <= exchange.server.pieceMax / 3) {
      exchange.respond(status, fields.text, fields.count, body, isExact);
      return undefined;
    }
    if (!isExact && !/(^|\0)content-type\0/i.test(fields.text)) fields.add('Content-Type', 'text/plain;charset=UTF-8');
    body = Buffer.from(body);
  }
  const bytes = bytesOf(body);
  if (bytes) return answerBytes(exchange, status, fields, bytes, isExact);
  if (isStreamed(body)) return answerStream(exchange, status, fields, body);
  throw invalidType('body', 'a string, bytes, ReadableStream or iterable', body);
}

function isHead(exchange) {
  return exchange.head.startsWith('HEAD ');
}

function answerBytes(exchange, status, fields, bytes, isExact) {
  if (bytes.byteLength <= exchange.server.pieceMax || isHead(exchange)) {
    exchange.respond(status, fields.text, fields.count, bytes, isExact);
    return undefined;
  }
  if (!isExact && !/(^|\0)content-type\0/i.test(fields.text)) fields.add('Content-Type', 'application/octet-stream');
  fields.add('Content-Length', bytes.byteLength);
  exchange.start(status, fields.text, fields.count);
  return exchange.write(bytes).then(() => exchange.end());
}

async function answerStream(exchange, status, fields, body, peeks = false) {
  const source = open(body);
  if (isHead(exchange) || status === 204 || status === 304) {
    source.cancel();
    exchange.start(status, fields.text, fields.count);
    exchange.end();
    return;
  }
  exchange.onGone = reason => source.cancel(reason);
  try {
    await sendStream(exchange, status, fields, source, peeks);
  } catch (error) {
    source.cancel(error); // nobody reads the rest
    throw error;
  }
}

async function sendStream(exchange, status, fields, source, peeks) {
  if (peeks) {
    source = await peek(source);
    if (source.whole !== undefined) {
      exchange.respond(status, fields.text, fields.count, source.whole, true);
      return;
    }
  }
  exchange.start(status, fields.text, fields.count);
  for (;;) {
    const { done, value } = await source.next();
    if (exchange.isOver) return;
    if (done) break;
    const bytes = typeof value === 'string' ? Buffer.from(value) : bytesOf(value);
    if (!bytes) throw invalidType('chunk', 'a string or bytes', value);
    await exchange.write(bytes);
  }
  exchange.end();
}

// A stream that ends at once, as that of a string does, becomes a whole answer; any other goes on as it is.
async function peek(source) {
  const first = await source.next();
  if (first.done) return { whole: '' };
  const second = source.next();
  const soon = await Promise.race([second, new Promise(resolve => setImmediate(resolve))]);
  if (soon?.done && first.value.byteLength <= PEEK_MAX) return { whole: first.value };
  const read = [first, second];
  return { next: () => read.shift() ?? source.next(), cancel: source.cancel };
}

// One way to read a ReadableStream and anything that iterates.
function open(body) {
  if (typeof body.getReader === 'function') {
    const reader = body.getReader();
    return { next: () => reader.read(), cancel: reason => void reader.cancel(reason).catch(() => {}) };
  }
  const iterator = body[Symbol.asyncIterator]?.() ?? body[Symbol.iterator]();
  return {
    next: () => iterator.next(),
    cancel: reason => {
      if (typeof body.destroy === 'function') body.destroy();
      else Promise.resolve(iterator.return?.(reason)).catch(() => {});
    },
  };
}

// ---- anything ----

/** Lets go of an answer that comes too late, or cannot be given: nobody reads its body. */
function discard(result) {
  if (result === null || typeof result !== 'object') return;
  try {
    const { body } = result;
    if (body && !bytesOf(body) && isStreamed(body) && !body.locked) open(body).cancel();
  } catch {
    // then it has nothing that could be let go of
  }
}

/** Answers with what a handler returned; a promise when it takes time. */
function answer(exchange, result) {
  try {
    return begin(exchange, result);
  } catch (error) {
    discard(result);
    throw error;
  }
}

function begin(exchange, result) {
  if (typeof result === 'string') return answerBody(exchange, 200, new Fields(), result, false);
  if (result === null || typeof result !== 'object') {
    throw invalidType('answer', 'a Response, string, bytes or an object with status, headers and body', result);
  }
  if (result instanceof Response) return answerResponse(exchange, result);
  const bytes = bytesOf(result);
  if (bytes) return answerBytes(exchange, 200, new Fields(), bytes, false);
  return answerBody(exchange, statusOf(result.status), fieldsOf(result.headers), result.body, false);
}

module.exports = { answer, discard, statusOf };
