// SPDX-License-Identifier: MIT
// validate.js - checks of arguments: each throws Node's TypeError or RangeError, or returns the value.
'use strict';

const { invalidType, invalidValue, outOfRange } = require('./errors');

function string(value, name) {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value);
  return value;
}

function address(value, name = 'address') {
  string(value, name);
  if (value.includes('\0')) throw invalidValue(name, 'must be a string without null bytes', value);
  return value;
}

function integer(value, name, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} and <= ${max}`, value);
  return value;
}

function boolean(value, name) {
  if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value);
  return value;
}

function fn(value, name) {
  if (typeof value !== 'function') throw invalidType(name, 'of type function', value);
  return value;
}

function object(value, name) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalidType(name, 'of type object', value);
  }
  return value;
}

function signal(value, name) {
  if (value === null || typeof value !== 'object' || typeof value.aborted !== 'boolean' || typeof value.addEventListener !== 'function') {
    throw invalidType(name, 'an instance of AbortSignal', value);
  }
  return value;
}

function oneOf(value, name, choices) {
  if (!choices.includes(value)) throw invalidValue(name, `must be one of: ${choices.join(', ')}`, value);
  return value;
}

function strings(value, name) {
  if (!Array.isArray(value)) throw invalidType(name, 'an instance of Array', value);
  value.forEach((item, i) => address(item, `${name}[${i}]`));
  return value;
}

// A check that takes what is not given (undefined), too.
function optional(check, value, name, ...rest) {
  return value === undefined ? undefined : check(value, name, ...rest);
}

module.exports = { string, address, integer, boolean, fn, object, signal, oneOf, strings, optional };
