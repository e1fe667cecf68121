// SPDX-License-Identifier: MIT
// http-listen.js - our safe listener under a server of Node's own: http, https, http2, net, and what is built on them.
'use strict';

const cluster = require('node:cluster');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const binding = require('./binding');
const { parseAddress } = require('./address');
const { inherited } = require('./cluster');
const errors = require('./errors');
const readOptions = require('./options');
const { Peer } = require('./peer');
const validate = require('./validate');

const BACKLOG = 4096;

/** The server behind what frameworks call an app: Express' are handlers, Fastify's have one. */
async function serverOf(app) {
  if (app instanceof net.Server) return app;
  if (typeof app === 'function') return http.createServer(app);
  if (app !== null && typeof app === 'object' && app.server instanceof net.Server && typeof app.ready === 'function') {
    app.addHook?.('onClose', async () => {
      if (app.server.listening) await new Promise(resolve => app.server.close(resolve));
    });
    await app.ready();
    return app.server;
  }
  throw errors.invalidType('server', 'an instance of net.Server or http.Server, a request listener or a Fastify app', app);
}

function descriptorOf(socket) {
  return socket._handle?.fd ?? -1;
}

function givePeer(socket) {
  Object.defineProperty(socket, 'peer', {
    value: new Peer(() => descriptorOf(socket)),
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

// Who cannot be known is not let in: a stream that somebody emits as a connection has no descriptor.
function isAdmitted(access, socket) {
  const fd = descriptorOf(socket);
  return fd >= 0 && access.admits(fd);
}

/*
 * Node tells of a connection before it reads from it. The server's own listeners do not hear of one that the rules
 * refuse.
 */
function guard(server, access) {
  const { emit } = server;
  server.emit = function guarded(event, ...args) {
    if (event === 'connection' && !isAdmitted(access, args[0])) {
      server.refused++;
      args[0].destroy();
      return true;
    }
    return emit.call(this, event, ...args);
  };
  return () => {
    server.emit = emit;
  };
}

/** What must be as before when the server is closed: it may listen again, elsewhere. */
function adopt(server, listener, access) {
  const { close, address } = server;
  const release = access ? guard(server, access) : () => {};
  const published = listener.address();
  const isTcp = published.startsWith('tcp:');

  const leave = () => {
    release();
    server.removeListener('connection', givePeer);
    server.removeListener('close', leave);
    if (server.close === closeBoth) server.close = close;
    if (server.address === tell) server.address = address;
    listener.close();
  };
  const closeBoth = function (callback) {
    leave();
    return close.call(this, callback);
  };
  const tell = function () {
    return isTcp ? address.call(this) : published;
  };
  server.refused = 0;
  server.prependListener('connection', givePeer);
  server.on('close', leave);
  server.close = closeBoth;
  server.address = tell;
  return leave;
}

// listen() of a cluster's worker would ask the primary, which does not know our descriptors; what it would call there
// is called here.
function listenOn(server, fd, backlog) {
  if (cluster.isWorker) server._listen2(null, null, null, backlog, fd);
  else server.listen({ fd }, backlog);
}

/**
 * Lets `app` (a net.Server or http.Server, an Express app, a Fastify app) listen on `address` as sunpath.listen() does:
 * published with its mode and owner, guarded by a lock, a stale file replaced and a living server never, `allow` and
 * `deny` asked before a byte is read, the file removed by close(). Connections have `socket.peer`. Resolves with the
 * server when it listens.
 */
async function httpListen(app, address, options = {}) {
  validate.address(address);
  options = readOptions.known(options, ...readOptions.PUBLISH);
  const native = readOptions.listen(options);
  const type = options.type ?? parseAddress(address).type;
  if (type !== 'stream') throw errors.invalidValue('options.type', 'must be stream', type);
  const server = await serverOf(app);
  if (server.listening) throw errors.invalidValue('server', 'must not be listening already', server);
  const [place, wanted] = inherited(address, native);
  const { allow, deny } = wanted;
  const access = allow || deny ? new binding.Access({ allow, deny }) : null;
  const listener = new binding.Listener(place, { ...wanted, allow: undefined, deny: undefined });
  const leave = adopt(server, listener, access);
  try {
    listenOn(server, binding.duplicateFd(listener.fd()), options.backlog || BACKLOG);
    if (!server.listening) await once(server, 'listening');
  } catch (error) {
    leave();
    throw error;
  }
  return server;
}

module.exports = { httpListen };
