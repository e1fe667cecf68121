// SPDX-License-Identifier: MIT
// install.js - run by npm: takes the prebuilt addon when it works here, else compiles one.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

function works() {
  try {
    require('./lib/binding');
    return true;
  } catch (error) {
    console.log(error.message.split('\n').slice(0, -1).join('\n'));
    return false;
  }
}

// node-gyp fetches node's headers, unless they came with node itself.
function compile() {
  const gyp = process.env.npm_config_node_gyp;
  const prefix = path.resolve(process.execPath, '../..');
  const headers = fs.existsSync(path.join(prefix, 'include/node/node_api.h')) && !process.env.npm_config_nodedir;
  const argv = [...(gyp ? [gyp] : []), 'rebuild', ...(headers ? [`--nodedir=${prefix}`] : [])];
  console.log('sunpath: compiling the addon');
  return spawnSync(gyp ? process.execPath : 'node-gyp', argv, { stdio: 'inherit', cwd: __dirname }).status === 0;
}

const wanted = process.env.npm_config_build_from_source;
if ((wanted || !works()) && !compile()) {
  console.error('sunpath: the addon could not be compiled: that needs gcc, make and python3 (Debian: apt install build-essential python3)');
  process.exitCode = 1;
}
