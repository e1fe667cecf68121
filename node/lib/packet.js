// SPDX-License-Identifier: MIT
// packet.js - what the classes of node-unix-socket have in common: names, errors, slices, memory to read into.
'use strict';

const { isIP } = require('node:net');
const { getSystemErrorName } = require('node:util');
const binding = require('./binding');
const errors = require('./errors');
const validate = require('./validate');

const READABLE = 1;
const WRITABLE = 2;
const HANGUP = 4;
const SEQPACKET = 5;
const DGRAM = 2;

const READS_PER_TURN = 64; // so that one busy peer does not starve the others
const READ_SIZE = 256 * 1024;
const MAX_READ_SIZE = 2 ** 30;
const MAX_PATH = 107;

// With the message of node-unix-socket, which is the system's text alone, and what Node's own errors have.
function systemError(errno, syscall, place, message) {
  const error = new Error(message ?? (errno === -9 ? 'Bad file number' : binding.errorText(errno)));
  Error.captureStackTrace(error, systemError);
  error.errno = errno;
  error.code = getSystemErrorName(errno);
  error.syscall = syscall;
  if (place) error[place[0] === '\0' ? 'address' : 'path'] = place;
  return error;
}

function codedError(code, message) {
  const error = new Error(message);
  Error.captureStackTrace(error, codedError);
  error.code = code;
  return error;
}

// A path, or '\0' and an abstract name of exactly these bytes.
function socketName(value, name) {
  validate.string(value, name);
  const isAbstract = value[0] === '\0';
  if (value === '' || value === '\0') throw errors.invalidValue(name, 'must not be empty', value);
  if (!isAbstract && value.includes('\0')) {
    throw errors.invalidValue(name, 'must be a string without null bytes', value);
  }
  if (value.length > MAX_PATH || Buffer.byteLength(value) - isAbstract > MAX_PATH) {
    const error = codedError('ENAMETOOLONG', 'path to bind is too long');
    error.errno = -36;
    throw error;
  }
  return value;
}

function bytes(value, name) {
  if (!(value instanceof Uint8Array)) throw errors.invalidType(name, 'an instance of Buffer or Uint8Array', value);
  return value;
}

// The bytes [offset, offset + length) of `buffer`; without a length, all from there on.
function slice(buffer, offset, length) {
  bytes(buffer, 'buf');
  const from = offset == null ? 0 : validate.integer(offset, 'offset', 0, buffer.length);
  const n = length == null ? buffer.length - from : validate.integer(length, 'length', 0, buffer.length - from);
  return buffer.subarray(from, from + n);
}

function callback(value, name) {
  return value == null ? undefined : validate.fn(value, name);
}

// What a callback throws is an uncaughtException, and the others are called all the same.
function callBack(fn, ...args) {
  try {
    fn(...args);
  } catch (error) {
    process.nextTick(() => { throw error; });
  }
}

// All sockets read into the same memory: what arrived is copied out at once.
let scratch = Buffer.alloc(0);

function readBuffer(size) {
  if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(size);
  return scratch.subarray(0, size);
}

function readSize(size) {
  return validate.integer(size, 'size', 1, MAX_READ_SIZE);
}

function onEvent(events) {
  this.deliver(events);
}

// `deliver(events)` is called in the turns in which something happened of what is watched.
function open(type, fd, deliver) {
  let handle;
  try {
    handle = new binding.Packet(type, fd, onEvent);
  } catch (error) {
    if (!error.syscall) throw error;
    throw systemError(error.errno, error.syscall);
  }
  handle.deliver = deliver;
  return handle;
}

function check(result, syscall, place) {
  if (result < 0) throw systemError(result, syscall, place);
  return result;
}

function createReuseportFd(port = 0, host = '0.0.0.0') {
  validate.integer(port, 'port', 0, 65535);
  if (typeof host !== 'string' || !isIP(host)) throw codedError('ERR_INVALID_IP_ADDRESS', 'invalid host');
  return check(binding.reusePort(port, host), 'bind', `tcp:${host}:${port}`);
}

function closeFd(fd) {
  check(binding.closeFd(validate.integer(fd, 'fd', 0, 2 ** 31 - 1)), 'close');
}

module.exports = {
  READABLE, WRITABLE, HANGUP, SEQPACKET, DGRAM, READS_PER_TURN, READ_SIZE,
  systemError, codedError, socketName, slice, callback, callBack, readBuffer, readSize, open, check,
  createReuseportFd, closeFd,
};
