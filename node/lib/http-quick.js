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
let waiting = []; // heads in there of requests that take time

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
    if (this.end > HEADS - HEAD_MAX) renew();
  }

  toString() {
    if (this.text === undefined) {
      this.text = this.from.toString('latin1', this.at, this.end);
      this.from = null;
    }
    return this.text;
  }
}

// A request that is still to be answered then must hold no more than its own head.
function renew() {
  for (const exchange of waiting) if (!exchange.isOver) exchange.rawHead.toString();
  waiting = [];
  heads = Buffer.allocUnsafeSlow(HEADS);
  binding.setHttpMemory(words, heads);
}

function wait(exchange) {
  waiting.push(exchange);
}

// ---- headers that many answers have: the addon knows the last few sets of them by number ----

const sets = []; // { names, values }
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
  if (binding.httpLearn(number, names.map((name, i) => `${name}\0${values[i]}\0`).join(''), names.length)) {
    sets[number] = { names, values };
    nLearned++;
  }
}

function isSimple(body) {
  return typeof body === 'string' || body instanceof Uint8Array;
}

let status = 0; // of the answer that was looked at last: 0 for 200
let set = NO_SET;

/** The body of an answer that is simple; undefined: it is not, and was not looked at closely. */
function look(result, max) {
  status = 0;
  set = NO_SET;
  if (typeof result === 'string') return result.length <= max ? result : undefined;
  if (result === null || typeof result !== 'object') return undefined;
  const { body } = result;
  if (!isSimple(body) || body.length > max) return undefined;
  const wanted = result.status === undefined ? 200 : result.status;
  if (!Number.isInteger(wanted) || wanted < 200 || wanted > 599 || wanted === 204 || wanted === 304) return undefined;
  set = find(result.headers);
  if (set < 0) return undefined;
  status = wanted;
  return body;
}

/** A simple answer's body, to be returned to the addon; the rest it sees in memory. */
function answer(result, max) {
  const body = look(result, max);
  words[STATUS] = status;
  words[SET] = set;
  return body;
}

/** Gives a simple answer now; undefined: it is none. */
function give(number, result, max) {
  const body = look(result, max);
  return body === undefined ? undefined : binding.httpGive(number, body, status, set);
}

// What is returned to the addon is lost when a tick or a promise throws behind the handler.
let kept;

function keep(body) {
  kept = body;
  return body;
}

function giveKept(number) {
  if (kept !== undefined) binding.httpGive(number, kept, words[STATUS], words[SET]);
}

module.exports = {
  Head, answer, give, giveKept, keep, learn, wait, number: () => words[NUMBER], bodyKind: () => words[KIND],
};
