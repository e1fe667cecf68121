// SPDX-License-Identifier: MIT
// errors.js - the errors that JavaScript makes, with Node's codes; those of the system are made in the addon.
'use strict';

const { inspect } = require('node:util');

function shown(value) {
  if (typeof value === 'function') return `function ${value.name}`;
  const text = inspect(value, { depth: -1 });
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function make(Base, code, message) {
  const error = new Base(message);
  Error.captureStackTrace?.(error, make);
  error.code = code;
  return error;
}

function invalidType(name, expected, value) {
  return make(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be ${expected}. Received ${shown(value)}`);
}

function invalidValue(name, why, value) {
  return make(TypeError, 'ERR_INVALID_ARG_VALUE', `The "${name}" argument ${why}. Received ${shown(value)}`);
}

function outOfRange(name, expected, value) {
  return make(RangeError, 'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${expected}. Received ${shown(value)}`);
}

function streamDestroyed(call) {
  return make(Error, 'ERR_STREAM_DESTROYED', `Cannot call ${call} after a stream was destroyed`);
}

function writeAfterEnd() {
  return make(Error, 'ERR_STREAM_WRITE_AFTER_END', 'write after end');
}

function transferred() {
  return make(Error, 'ERR_INVALID_STATE', 'Invalid state: the memory of a chunk was transferred or resized before it was written');
}

function inputRead(call) {
  return make(Error, 'ERR_INVALID_STATE', `Invalid state: ${call} needs a socket that nobody reads: input of it was read, and waits to be taken`);
}

function serverNotRunning() {
  return make(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.');
}

// What Node itself throws: named AbortError, code ABORT_ERR, with the signal's reason as its cause.
function aborted(signal) {
  const error = make(Error, 'ABORT_ERR', 'The operation was aborted');
  error.name = 'AbortError';
  if (signal?.reason !== undefined) error.cause = signal.reason;
  return error;
}

module.exports = { invalidType, invalidValue, outOfRange, streamDestroyed, writeAfterEnd, transferred, inputRead, serverNotRunning, aborted };
