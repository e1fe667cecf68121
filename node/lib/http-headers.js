// SPDX-License-Identifier: MIT
// http-headers.js - a request's headers as the Fetch standard has them, without a Headers until one is needed.
'use strict';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** [[name, value], ...] of a head as it was sent, the names in lower case. */
function pairsOf(head) {
  const pairs = [];
  // Where another call has read a value, a NUL stands behind it.
  const lines = head.split(head.includes('\0') ? /[\r\n\0]+/ : '\n');
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i];
    const colon = line.indexOf(':');
    if (colon > 0) pairs.push([line.slice(0, colon).trimEnd().toLowerCase(), line.slice(colon + 1).trim()]);
  }
  return pairs;
}

/** `instanceof Headers`: reads go by the pairs; what changes or passes them on goes by a Headers of the platform. */
class ServedHeaders {
  #pairs;
  #sorted = null;
  #real = null;

  constructor(head) {
    this.#pairs = pairsOf(head);
  }

  get(name) {
    name = String(name);
    if (this.#real || !NAME.test(name)) return this.#materialize().get(name);
    name = name.toLowerCase();
    let found = null;
    for (const [key, value] of this.#pairs) {
      if (key === name) found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name) {
    name = String(name);
    if (this.#real || !NAME.test(name)) return this.#materialize().has(name);
    name = name.toLowerCase();
    return this.#pairs.some(([key]) => key === name);
  }

  getSetCookie() {
    return this.#real ? this.#real.getSetCookie() : this.#pairs.filter(([key]) => key === 'set-cookie').map(([, value]) => value);
  }

  forEach(callback, thisArg) {
    if (typeof callback !== 'function') this.#materialize().forEach(callback); // says what is wrong
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  entries() {
    if (this.#real) return this.#real.entries();
    return (this.#sorted ??= combined(this.#pairs)).values();
  }

  * keys() {
    for (const [name] of this) yield name;
  }

  * values() {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  append(name, value) {
    this.#materialize().append(name, value);
  }

  set(name, value) {
    this.#materialize().set(name, value);
  }

  delete(name) {
    this.#materialize().delete(name);
  }

  #materialize() {
    return (this.#real ??= new Headers(this.#pairs));
  }

  static materialize(headers) {
    return headers.#materialize();
  }

  [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
    return `Headers ${inspect(Object.fromEntries(this), options)}`;
  }
}

// Sorted by name, those of one name in one, but for Set-Cookie.
function combined(pairs) {
  const rows = [];
  const known = new Map();
  for (const [name, value] of pairs) {
    const row = name === 'set-cookie' ? undefined : known.get(name);
    if (row) {
      row[1] = `${row[1]}, ${value}`;
    } else {
      const made = [name, value];
      rows.push(made);
      known.set(name, made);
    }
  }
  return rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

Object.setPrototypeOf(ServedHeaders.prototype, Headers.prototype);

// What a Headers is made of, where a platform keeps it in properties: see http-request.js.
for (const symbol of Object.getOwnPropertySymbols(new Headers())) {
  Object.defineProperty(ServedHeaders.prototype, symbol, {
    get() {
      return ServedHeaders.materialize(this)[symbol];
    },
  });
}

module.exports = { ServedHeaders };
