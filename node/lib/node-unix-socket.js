// SPDX-License-Identifier: MIT
// node-unix-socket.js - what the package node-unix-socket 0.2.7 exports, to be used in its place: the same calls,
// events and order of things, without its faults. New programs want sunpath.connect(), listen() and bind().
'use strict';

const { createReuseportFd, closeFd } = require('./packet');
const { SeqpacketServer, SeqpacketSocket } = require('./packet-seqpacket');
const { DgramSocket } = require('./packet-dgram');

module.exports = { DgramSocket, SeqpacketSocket, SeqpacketServer, createReuseportFd, closeFd };
