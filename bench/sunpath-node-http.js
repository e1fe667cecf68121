// SPDX-License-Identifier: MIT
// sunpath-node-http.js - the HTTP hello job on Sunpath's package for Node.js, as peer-node-http.js has it on http.

const [addon, , path] = process.argv.slice(2);
process.env.SUNPATH_NODE_BINARY = addon;
const sunpath = require('../node');

sunpath.serve(path, () => ({ headers: { 'Content-Type': 'text/plain' }, body: 'hello, world\n' }));
