// SPDX-License-Identifier: MIT
// batch.js - what the addon tells of many streams with one call, and what they write meanwhile: memory that both see.
'use strict';

const binding = require('./binding');

// Of `words`; node/src/batch.c has the same numbers.
const N_EVENTS = 0;
const NEXT = 1;
const N_OUT = 2;
const N_OUT_BYTES = 3;
const IS_COLLECTING = 4;
const EVENTS = 8;
const MAX_EVENTS = 256;
const OUT = EVENTS + 3 * MAX_EVENTS;
const MAX_OUT = 256;
const NO_SLOT = 0xffffffff;

const OUTBOX = 65536;
const PIECE_MAX = 8192; // larger chunks are handed over as they are
const LATE = 1; // milliseconds

const FastBuffer = Buffer[Symbol.species]; // what subarray() makes, without the checks

const { now } = Date; // the cheapest; when it is set back, something leaves later

const runSome = process._tickCallback ?? (() => {}); // else they run when all was told

const words = new Uint32Array(OUT + 2 * MAX_OUT);
const outbox = Buffer.allocUnsafeSlow(OUTBOX);
let detours = new Uint8Array(256); // by slot: 1 when output must not go by the outbox

const readers = []; // by slot: who is told of input; nobody else is held
let leaving = []; // slots of those that read no more, while input of theirs may wait
let slab = null; // the buffer that input is in, which the addon goes on writing to
let memory = null; // where it is
let start = 0;

binding.setBatch(words, outbox, detours);

// A listener may end the process, which is then not told of anything more.
process.on('exit', () => {
  words[IS_COLLECTING] = 0;
  binding.sendBatch();
});

// Before a slot is used for the first time.
function prepare(slot) {
  if (slot < detours.length) return;
  const larger = new Uint8Array(2 * slot);
  larger.set(detours);
  detours = larger;
  binding.setBatch(words, outbox, detours);
}

function startReading(slot, reader) {
  readers[slot] = reader;
}

// What waits for it comes all the same.
function stopReading(slot, isReading) {
  if (words[N_EVENTS] === 0) readers[slot] = undefined;
  else leaving.push({ slot, reader: readers[slot], isReading });
}

function forget(slot) {
  readers[slot] = undefined;
}

/*
 * Calls take(reader, chunk) for each input that waits; it is at `offset` of `buffer`. Ticks and promises run between two,
 * as after every callback. When one throws, the addon reports that and calls again for those behind it.
 */
function tell(buffer, offset, n, take) {
  let since = now();
  try {
    for (let i = words[NEXT]; i < n; i++) {
      const at = EVENTS + 3 * i;
      const slot = words[at];
      words[NEXT] = i + 1;
      const reader = slot === NO_SLOT ? undefined : readers[slot]; // it may have been closed since
      if (reader !== undefined) take(reader, chunkOf(buffer, offset + words[at + 1], words[at + 2], words[at + 1]));
      if (i + 1 < n) {
        runTicks();
        // what is written already does not wait for many listeners that take their time
        if (words[N_OUT] > 0 && now() - since > LATE) {
          binding.sendBatch();
          since = now();
        }
      }
    }
  } catch (error) {
    binding.sendBatch(); // whoever hears of it may end the process
    throw error;
  }
  if (leaving.length > 0) leave();
}

// One that throws did not leave its asynchronous context: on its way through the addon the error would upset Node.
function runTicks() {
  for (;;) {
    try {
      runSome();
      return;
    } catch (error) {
      binding.sendBatch();
      binding.reportUncaught(error);
    }
  }
}

function chunkOf(buffer, offset, size, place) {
  if (size === buffer.length) return buffer;
  if (buffer !== slab) {
    slab = buffer;
    memory = buffer.buffer;
    start = buffer.byteOffset;
  }
  try {
    return new FastBuffer(memory, start + offset, size);
  } catch {
    return binding.batchInput().subarray(place, place + size); // a listener has transferred the memory
  }
}

function leave() {
  for (const { slot, reader, isReading } of leaving) {
    if (readers[slot] === reader && !isReading(reader)) readers[slot] = undefined;
  }
  leaving = [];
}

/*
 * What is written while input is told is taken here, and leaves when all of that was told, or between two when that
 * takes long. 0: it is to be handed over now, because there is something before it, or it is no longer the time, or too
 * large. Else how many bytes it is.
 */
function collect(slot, chunk, size) {
  if (words[IS_COLLECTING] === 0 || size > PIECE_MAX || detours[slot] !== 0 || !makeRoom(slot, size)) return 0;
  outbox.set(chunk, words[N_OUT_BYTES]);
  note(slot, size);
  return size;
}

function collectText(slot, text) {
  const max = 3 * text.length;
  if (words[IS_COLLECTING] === 0 || max > PIECE_MAX || detours[slot] !== 0 || !makeRoom(slot, max)) return 0;
  const size = outbox.write(text, words[N_OUT_BYTES]);
  note(slot, size);
  return size;
}

function makeRoom(slot, size) {
  if (words[N_OUT] < MAX_OUT && words[N_OUT_BYTES] + size <= OUTBOX) return true;
  binding.sendBatch();
  return detours[slot] === 0;
}

function note(slot, size) {
  const n = words[N_OUT];
  const last = OUT + 2 * n - 2;
  words[N_OUT_BYTES] += size;
  if (n > 0 && words[last] === slot) {
    words[last + 1] += size;
  } else if (size > 0) {
    words[last + 2] = slot;
    words[last + 3] = size;
    words[N_OUT] = n + 1;
  }
}

module.exports = { collect, collectText, forget, prepare, startReading, stopReading, tell };
