// SPDX-License-Identifier: MIT
// http-body.js - the body of a request as it comes in: held back until somebody wants it.
'use strict';

const HIGH_MARK = 256 * 1024; // bytes that wait for their reader before the client is held back

class IncomingBody {
  #hold; // (isHeld) => tells the engine
  #isHeld = true; // it begins so
  #pieces = [];
  #size = 0;
  #isEnded = false;
  #error = null;
  #wake = null;
  #wantsAll = false;

  constructor(hold) {
    this.#hold = hold;
  }

  push(bytes) {
    this.#pieces.push(bytes);
    this.#size += bytes.byteLength;
    if (!this.#wantsAll && this.#size >= HIGH_MARK) this.#setHeld(true);
    this.#tell();
  }

  end() {
    this.#isEnded = true;
    this.#tell();
  }

  fail(error) {
    if (this.#isEnded || this.#error) return;
    this.#error = error;
    this.#tell();
  }

  // All of it. The engine's maxBody is the limit.
  async collect() {
    this.#wantsAll = true;
    while (!this.#isEnded && !this.#error) {
      this.#setHeld(false);
      await this.#change();
    }
    if (!this.#isEnded) throw this.#error;
    return Buffer.concat(this.#pieces, this.#size);
  }

  stream() {
    return new ReadableStream({
      type: 'bytes',
      pull: controller => this.#pull(controller),
      cancel: () => this.#setHeld(true),
    }, { highWaterMark: 0 });
  }

  async #pull(controller) {
    while (this.#size === 0 && !this.#isEnded && !this.#error) {
      this.#setHeld(false);
      await this.#change();
    }
    const bytes = this.#pieces.shift();
    if (bytes) {
      this.#size -= bytes.byteLength;
      controller.enqueue(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } else if (this.#isEnded) {
      controller.close();
      controller.byobRequest?.respond(0);
    } else {
      controller.error(this.#error);
    }
  }

  #change() {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  #tell() {
    const wake = this.#wake;
    this.#wake = null;
    if (wake) wake();
  }

  #setHeld(isHeld) {
    if (this.#isHeld === isHeld || this.#isEnded || this.#error) return;
    this.#isHeld = isHeld;
    this.#hold(isHeld);
  }
}

module.exports = { IncomingBody };
