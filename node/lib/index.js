// SPDX-License-Identifier: MIT
// index.js - the package: every subject is a file, and each adds its names here.
'use strict';

const binding = require('./binding');
const { clusterListen } = require('./cluster');
const { connect } = require('./connect');
const { Descriptor, Peer } = require('./peer');
const { HttpServer, callbacks: httpCallbacks, serve } = require('./serve');
const { MessageSocket, bind, callbacks: messageCallbacks } = require('./message-socket');
const { createReuseportFd: reusePort } = require('./packet');
const { Server, listen, onAccept, takeOver } = require('./server');
const { Socket, callbacks: streamCallbacks } = require('./socket');

// In the order of enum sn_callback.
binding.setCallbacks([...streamCallbacks, onAccept, ...httpCallbacks, ...messageCallbacks]);

module.exports = {
  ...require('./address'),
  ...require('./fetch'),
  ...require('./http-listen'),
  ...require('./inspect'),
  Descriptor,
  HttpServer,
  MessageSocket,
  Peer,
  Server,
  Socket,
  bind,
  clusterListen,
  connect,
  listen,
  reusePort,
  serve,
  takeOver,
  version: binding.version,
};
