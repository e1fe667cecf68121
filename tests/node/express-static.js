// SPDX-License-Identifier: MIT
// express-static.js SOCKET DIRECTORY - the files of a directory as express.static serves them.
"use strict";
const express = require("express");

const app = express();
app.disable("x-powered-by");
app.use(express.static(process.argv[3]));
app.listen(process.argv[2]);
