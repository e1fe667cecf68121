// SPDX-License-Identifier: MIT
// cluster.js - one published socket for all workers of a cluster, which inherit it.
'use strict';

const cluster = require('node:cluster');
const binding = require('./binding');
const errors = require('./errors');
const { parseAddress, formatAddress } = require('./address');
const readOptions = require('./options');
const validate = require('./validate');

// Tells workers, by their environment, which descriptor has which address.
const VARIABLE = 'SUNPATH_CLUSTER';

function canonical(address) {
  const { uri, ...parts } = parseAddress(address);
  return formatAddress(parts);
}

/**
 * For the primary, before it forks: publishes `address`, with the options of listen(), and lets every worker that is
 * forked from now on inherit it. There listen(), serve() and httpListen() with the same address adopt it. The kernel
 * gives each connection to a worker that is waiting. Rules (`allow`, `deny`) are asked by who accepts: the workers.
 * close() removes the file.
 */
function clusterListen(address, options = {}) {
  validate.address(address);
  options = readOptions.known(options, ...readOptions.PUBLISH);
  if (!cluster.isPrimary) throw errors.invalidValue('address', 'is for the primary of a cluster to open', address);
  const native = readOptions.listen(options);
  if (native.allow || native.deny) throw errors.invalidValue('options', 'must leave allow and deny to the workers', options);
  const listener = new binding.Listener(address, native);
  const stdio = [...(cluster.settings.stdio ?? ['inherit', 'inherit', 'inherit', 'ipc'])];
  const shared = JSON.parse(process.env[VARIABLE] ?? '{}');
  const published = listener.address();
  shared[canonical(address)] = shared[published] = stdio.push(listener.fd()) - 1;
  cluster.setupPrimary({ ...cluster.settings, stdio });
  process.env[VARIABLE] = JSON.stringify(shared);
  return {
    address: published,
    close() {
      listener.close();
    },
    [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
      listener.close();
    },
  };
}

/** What to listen on, and how, for `address` and `options` as a worker of a cluster means them. */
function inherited(address, options) {
  if (!cluster.isWorker || !process.env[VARIABLE]) return [address, options];
  const fd = JSON.parse(process.env[VARIABLE])[canonical(address)];
  if (fd === undefined) return [address, options];
  const { mode, owner, group, ...rest } = options; // those are the primary's
  return [`fd:${binding.duplicateFd(fd)}`, rest];
}

module.exports = { clusterListen, inherited };
