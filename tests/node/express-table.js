// SPDX-License-Identifier: MIT
// express-table.js SOCKET TABLE CASE STRICT - serves a table of routes (tests/interop/router-table.c) with Express.
'use strict';
const express = require('express');
const fs = require('node:fs');

const [socketPath, table, isSensitive, isStrict] = process.argv.slice(2);
const options = { caseSensitive: isSensitive === '1', strict: isStrict === '1', mergeParams: true };
const app = express();
app.set('case sensitive routing', options.caseSensitive);
app.set('strict routing', options.strict);

const routers = [app];
fs.readFileSync(table, 'utf8').split('\n').filter(Boolean).forEach((line, index) => {
    const [word, path] = line.split(/ (.*)/);
    if (word === 'MOUNT') {
        const router = express.Router(options);
        routers[0].use(path, router);
        routers.unshift(router);
    } else if (word === 'END') {
        routers.shift();
    } else {
        routers[0][word.toLowerCase()](path, (req, res) => {
            const params = Object.entries(req.params)
                .map(([name, value]) => [name, Array.isArray(value) ? value.join('/') : value]);
            res.json({ index, base: req.baseUrl, params: Object.fromEntries(params) });
        });
    }
});
app.use((error, req, res, next) => res.status(error.status || 500).end());
app.listen(socketPath);
