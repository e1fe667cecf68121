// SPDX-License-Identifier: MIT
// index.js - the package: every subject is a file, and each adds its names here.
'use strict';

const binding = require('./binding');
const { connect } = require('./connect');
const { Descriptor, Peer } = require('./peer');
const { Server, listen, onAccept, takeOver } = require('./server');
const { Socket, callbacks: streamCallbacks } = require('./socket');

// In the order of enum sn_callback.
binding.setCallbacks(...streamCallbacks, onAccept);

module.exports = {
  ...require('./address'),
  Descriptor,
  Peer,
  Server,
  Socket,
  connect,
  listen,
  takeOver,
  version: binding.version,
};
