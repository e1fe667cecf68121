// SPDX-License-Identifier: MIT
// index.mjs - the same names for `import`.

import sunpath from './index.js';

export default sunpath;
export const {
  Descriptor, Dispatcher, HttpServer, MessageSocket, Peer, Server, Socket, bind, clusterListen, connect, doctor, fetch, formatAddress,
  httpListen, list, listen, parseAddress, reusePort, serve, takeOver, version,
} = sunpath;
