// SPDX-License-Identifier: MIT
// inspect.js - list() and doctor(): the sockets of this machine, and why one cannot be reached.
'use strict';

const path = require('node:path');
const binding = require('./binding');
const readOptions = require('./options');
const validate = require('./validate');

function promised(call, ...args) {
  return new Promise((resolve, reject) => {
    call(...args, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

// "@1a2b3", which the kernel chose: a reply address that nobody connects to.
function isAutomatic({ socket, state }) {
  return state === 'bound' && /^@[0-9a-f]{5}$/.test(socket);
}

/**
 * All named Unix sockets of this machine, with the keys of `sunpath ls --json`. The array's `hidden` tells what could
 * not be looked into.
 */
async function list(options = {}) {
  options = readOptions.known(options, 'directories', 'all');
  const directories = validate.optional(validate.strings, options.directories, 'options.directories') ?? [];
  const all = validate.optional(validate.boolean, options.all, 'options.all') ?? false;
  const { sockets, hidden } = await promised(binding.list, directories.map(directory => path.resolve(directory)));
  const found = all ? sockets : sockets.filter(one => !isAutomatic(one));
  return Object.defineProperty(found, 'hidden', { value: hidden });
}

/** Whether connecting would work and, if not, why and what to do: the keys of `sunpath doctor --json`. */
async function doctor(address, options = {}) {
  validate.address(address);
  options = readOptions.known(options, 'user', 'type');
  return promised(binding.doctor, address, {
    user: validate.optional(readOptions.account, options.user, 'options.user'),
    type: validate.optional(readOptions.type, options.type, 'options.type'),
  });
}

module.exports = { list, doctor };
