// SPDX-License-Identifier: MIT
// index.js - the package: every subject is a file, and each adds its names here.
'use strict';

module.exports = {
  ...require('./address'),
};
