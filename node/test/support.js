// SPDX-License-Identifier: MIT
// support.js - what the tests share: a directory of their own, peers that are real programs, and descriptors counted.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sunpath-node-'));
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

let nPaths = 0;
function socketPath() {
  return path.join(directory, `${++nPaths}.sock`);
}

// The sanitizers' runtime is for node; other programs are started without it.
function start(command, ...args) {
  const env = { ...process.env };
  if (command !== process.execPath && !args.includes(process.execPath)) delete env.LD_PRELOAD;
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.output = '';
  child.stdout.on('data', data => { child.output += data; });
  child.stdin.on('error', () => {});
  child.ended = once(child, 'close').then(([code]) => code);
  process.on('exit', () => child.exitCode === null && child.kill('SIGKILL'));
  return child;
}

// Runs Python with `lines`; sys.argv begins at 1 with `args`.
function python(lines, ...args) {
  return start('python3', '-c', `import os, socket, struct, sys, time\n${lines}`, ...args);
}

// Waits until the child has printed `text`.
async function printed(child, text) {
  while (!child.output.includes(text)) {
    if (child.exitCode !== null) throw new Error(`it ended without printing ${text}: ${child.output}`);
    await Promise.race([once(child.stdout, 'data'), child.ended]);
  }
}

async function until(condition, what = 'a condition') {
  const end = Date.now() + 30000;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// So many turns of the loop.
function turns(n) {
  return new Promise(resolve => {
    const turn = () => (n-- > 0 ? setImmediate(turn) : resolve());
    turn();
  });
}

// Waits until `value()` has been the same for many turns of the loop, and returns it.
async function atRest(value) {
  for (let last = value(), n = 0; ; n++) {
    await turns(1);
    if (value() !== last) n = -1;
    last = value();
    if (n === 200) return last;
  }
}

// What is thrown, with nobody to catch it, by what `run` sets off.
function uncaught(run) {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  return new Promise((resolve, reject) => {
    process.once('uncaughtException', resolve);
    Promise.resolve().then(run).catch(reject);
  }).finally(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
}

const nDescriptors = () => fs.readdirSync('/proc/self/fd').length;

module.exports = { atRest, collect, directory, nDescriptors, printed, python, socketPath, start, turns, uncaught, until };
