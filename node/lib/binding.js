// SPDX-License-Identifier: MIT
// binding.js - finds the addon: the one tests name, the prebuilt one of this platform, or the compiled one.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

function libc() {
  const header = process.report?.getReport().header;
  return process.platform !== 'linux' || header?.glibcVersionRuntime ? 'glibc' : 'musl';
}

function candidates() {
  if (process.env.SUNPATH_NODE_BINARY) return [process.env.SUNPATH_NODE_BINARY];
  return [
    path.join(root, 'prebuilds', `${process.platform}-${process.arch}-${libc()}`, 'sunpath.node'),
    path.join(root, 'build', 'Release', 'sunpath.node'),
  ];
}

function load() {
  const tried = [];
  for (const file of candidates()) {
    if (!fs.existsSync(file)) {
      tried.push(`${file} is missing`);
      continue;
    }
    try {
      return require(file);
    } catch (error) {
      tried.push(error.message);
    }
  }
  const error = new Error(`sunpath: no addon for ${process.platform}-${process.arch} could be loaded:\n  ` +
    `${tried.join('\n  ')}\nRun "npm rebuild sunpath"; it needs a C compiler and make.`);
  error.code = 'ERR_DLOPEN_FAILED';
  throw error;
}

module.exports = load();
