// SPDX-License-Identifier: MIT
// options.js - options as users write them, checked, and as the addon takes them.
'use strict';

const errors = require('./errors');
const validate = require('./validate');

const TYPES = { stream: 1, dgram: 2, seqpacket: 5 };
const INT_MAX = 0x7fffffff;

// The names of options, by what they are about.
const ACCESS = ['allow', 'deny'];
const PUBLISH = [...ACCESS, 'type', 'mode', 'owner', 'group', 'backlog', 'reusePort', 'sendBuffer', 'receiveBuffer', 'credentials'];
const CONNECT = ['type', 'timeout', 'wait', 'expectUser', 'bind', 'sendBuffer', 'receiveBuffer', 'signal'];
const STREAM = ['allowHalfOpen', 'highWaterMark', 'readableHighWaterMark', 'writableHighWaterMark', 'objectMode', 'readableObjectMode',
  'writableObjectMode', 'emitClose', 'signal', 'encoding', 'decodeStrings', 'defaultEncoding'];
const MESSAGES = ['framing', 'dropCr', 'maxMessage', 'maxQueue', 'idle', 'maxFds', 'withInfo', 'credentials'];

// The options of a call, each looked at once. A misspelt `mode` or `allow` must not pass unnoticed.
function known(options, ...names) {
  validate.object(options, 'options');
  for (const name of Object.keys(options)) {
    if (!names.includes(name) && options[name] !== undefined) {
      throw errors.invalidValue(`options.${name}`, 'is no option of this call', options[name]);
    }
  }
  const taken = {};
  for (const name of names) {
    const value = options[name];
    if (value !== undefined) taken[name] = value;
  }
  return taken;
}

// 0o660, or '660' and '0660' as chmod(1) takes them.
function mode(value, name) {
  if (typeof value === 'string') {
    if (!/^0?[0-7]{1,3}$/.test(value)) throw errors.invalidValue(name, 'must be an octal number such as 0o660', value);
    value = Number.parseInt(value, 8);
  }
  validate.integer(value, name, 0, 0o777);
  if (value === 0) throw errors.outOfRange(name, 'a mode that lets somebody in', value);
  return value;
}

// The name of a user or a group, or its number.
function account(value, name) {
  if (typeof value === 'number') return String(validate.integer(value, name, 0, 0xfffffffe));
  return validate.address(value, name);
}

// Milliseconds; Infinity: no limit, which is -1 for the addon.
function duration(value, name) {
  if (value === Infinity) return -1;
  return validate.integer(value, name, 0, INT_MAX);
}

function type(value, name) {
  return TYPES[validate.oneOf(value, name, Object.keys(TYPES))];
}

function access(options) {
  return {
    allow: validate.optional(validate.strings, options.allow, 'options.allow'),
    deny: validate.optional(validate.strings, options.deny, 'options.deny'),
  };
}

function listen(options) {
  return {
    ...access(options),
    type: validate.optional(type, options.type, 'options.type'),
    mode: validate.optional(mode, options.mode, 'options.mode'),
    owner: validate.optional(account, options.owner, 'options.owner'),
    group: validate.optional(account, options.group, 'options.group'),
    backlog: validate.optional(validate.integer, options.backlog, 'options.backlog', -1, INT_MAX),
    reusePort: validate.optional(validate.boolean, options.reusePort, 'options.reusePort'),
    sendBuffer: validate.optional(validate.integer, options.sendBuffer, 'options.sendBuffer', 0, 1 << 30),
    receiveBuffer: validate.optional(validate.integer, options.receiveBuffer, 'options.receiveBuffer', 0, 1 << 30),
    credentials: validate.optional(validate.boolean, options.credentials, 'options.credentials'),
  };
}

function connect(options) {
  return {
    type: validate.optional(type, options.type, 'options.type'),
    timeout: validate.optional(duration, options.timeout, 'options.timeout'),
    wait: validate.optional(validate.boolean, options.wait, 'options.wait') ?? false,
    expectUser: validate.optional(account, options.expectUser, 'options.expectUser'),
    bind: validate.optional(validate.address, options.bind, 'options.bind'),
    sendBuffer: validate.optional(validate.integer, options.sendBuffer, 'options.sendBuffer', 0, 1 << 30),
    receiveBuffer: validate.optional(validate.integer, options.receiveBuffer, 'options.receiveBuffer', 0, 1 << 30),
  };
}

module.exports = { ACCESS, CONNECT, MESSAGES, PUBLISH, STREAM, access, account, connect, duration, known, listen, type };
