// SPDX-License-Identifier: MIT
// address.js - one grammar for every place a socket can be.
'use strict';

const binding = require('./binding');
const validate = require('./validate');

function parseAddress(text) {
  return binding.parseAddress(validate.address(text));
}

function formatAddress(parts) {
  return binding.formatAddress(validate.object(parts, 'parts'));
}

module.exports = { parseAddress, formatAddress };
