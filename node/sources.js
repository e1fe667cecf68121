// SPDX-License-Identifier: MIT
// sources.js - what binding.gyp compiles: every .c of the addon and of the library, by the rules that CMake goes by.
// usage: node sources.js addon|library|include|private
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// In a checkout the library is the folder above; the package carries it as libsunpath.
const library = fs.existsSync(path.join(__dirname, 'libsunpath')) ? 'libsunpath' : '..';

function inFolder(folder) {
  return fs.readdirSync(path.join(__dirname, folder)).filter(name => name.endsWith('.c')).map(name => `${folder}/${name}`);
}

function inLayers() {
  const layers = fs.readdirSync(path.join(__dirname, library, 'src'), { withFileTypes: true });
  return layers.filter(entry => entry.isDirectory()).flatMap(entry => inFolder(`${library}/src/${entry.name}`));
}

const lists = {
  addon: () => inFolder('src'),
  library: inLayers,
  include: () => [`${library}/include`],
  private: () => [`${library}/src`],
};

console.log(lists[process.argv[2]]().sort().join('\n'));
