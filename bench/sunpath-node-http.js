// SPDX-License-Identifier: MIT
// sunpath-node-http.js - the HTTP hello job on the Node.js package's server.

const { serve } = require('../node');

serve(process.argv[2], () => ({
    headers: { 'Content-Type': 'text/plain' },
    body: 'hello, world\n',
}));
