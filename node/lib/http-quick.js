// SPDX-License-Identifier: MIT
// http-quick.js - requests and simple answers by memory that the addon and this side see alike.
'use strict';

const binding = require('./binding');

// Of `words`; node/src/http-quick.c has the same numbers.
const NUMBER = 0;
const KIND = 1;
const HEAD_AT = 2;
const HEAD_SIZE = 3;
const STATUS = 4;
const SET = 5;
const N_WORDS = 6;

const N_SETS = 4;
const NO_SET = N_SETS;
const HEADS = 65536;
const HEAD_MAX = 16384; // a larger one that has no room comes as a string
const LEARNED_OF = 8; // of so many answers with unknown headers one is learned from

const words = new Uint32Array(N_WORDS);
let heads = Buffer.allocUnsafeSlow(HEADS);

binding.setHttpMemory(words, heads);

/** The head of a request: bytes, and a string only when somebody looks. */
class Head {
  constructor(text) {
    this.text = text;
    this.from = null;
    this.at = 0;
    this.end = 0;
    if (text !== undefined) return;
    this.from = heads;
    this.at = words[HEAD_AT];
    this.end = this.at + words[HEAD_SIZE];
    if (this.end > HEADS - HEAD_MAX) {
      heads = Buffer.allocUnsafeSlow(HEADS);
      binding.setHttpMemory(words, heads);
    }
  }

  // Who is kept for long must keep no more than this one.
  toString() {
    if (this.text === undefined) {
      this.text = this.from.toString('latin1', this.at, this.end);
      this.from = null;
    }
    return this.text;
  }
}

// ---- headers that many answers have: the addon knows the last few sets of them by number ----

const sets = []; // { names, values, text }
let nMissed = 0;
let nLearned = 0;

function isSame({ names, values }, headers) {
  let i = 0;
  for (const name in headers) {
    if (names[i] !== name || values[i] !== headers[name]) return false;
    i++;
  }
  return i === names.length;
}

// A number to be put in SET, or -1 when they are none that was learned.
function find(headers) {
  if (headers === undefined) return NO_SET;
  if (headers === null || Object.getPrototypeOf(headers) !== Object.prototype) return -1;
  for (let i = 0; i < sets.length; i++) if (isSame(sets[i], headers)) return i;
  return -1;
}

/** Sees an answer that was just given in another way, so that its headers are right. */
function learn(result) {
  if (result instanceof Response || !isSimple(result.body)) return;
  const { headers } = result;
  if (headers === undefined || headers === null || Object.getPrototypeOf(headers) !== Object.prototype) return;
  if (typeof headers[Symbol.iterator] === 'function' || ++nMissed % LEARNED_OF !== 0) return;
  const names = Object.keys(headers);
  const values = Object.values(headers);
  if (!values.every(value => typeof value === 'string')) return;
  const number = nLearned % N_SETS;
  const text = names.map((name, i) => `${name}\0${values[i]}\0`).join('');
  if (binding.httpLearn(number, text, names.length)) {
    sets[number] = { names, values, text };
    nLearned++;
  }
}

function isSimple(body) {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/**
 * The body of an answer that is simple enough to be told with the return of the handler; undefined: it is not, and was
 * not looked at closely.
 */
function answer(result, max) {
  if (result === null || typeof result !== 'object') return undefined;
  const { body } = result;
  if (!isSimple(body) || body.length > max) return undefined;
  const status = result.status === undefined ? 200 : result.status;
  if (!Number.isInteger(status) || status < 200 || status > 599 || status === 204 || status === 304) return undefined;
  const set = find(result.headers);
  if (set < 0) return undefined;
  words[STATUS] = status;
  words[SET] = set;
  return body;
}

// What is returned to the addon is lost when a tick or a promise throws behind the handler.
let kept;

function keep(body) {
  kept = body;
  return body;
}

function giveKept(number) {
  if (kept === undefined) return;
  const { text = '', names = [] } = (words[STATUS] !== 0 && sets[words[SET]]) || {};
  binding.httpRespond(number, words[STATUS] || 200, text, names.length, kept, false);
}

module.exports = { Head, answer, giveKept, keep, learn, number: () => words[NUMBER], bodyKind: () => words[KIND] };
