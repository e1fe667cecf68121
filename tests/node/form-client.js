// SPDX-License-Identifier: MIT
// form-client.js SOCKET - forms as undici's fetch sends them, to the upload example; prints what it answers.
"use strict";
const { Agent, fetch, FormData, File } = require("undici");

const dispatcher = new Agent({ connect: { socketPath: process.argv[2] } });

async function send(body) {
  const response = await fetch("http://localhost/", { method: "POST", body, dispatcher });
  process.stdout.write(`${response.status} ${await response.text()}`);
}

(async () => {
  const form = new FormData();
  form.append("note", "ein kurzer Text, äöü\r\nzwei Zeilen");
  form.append("f", new File([Buffer.alloc(300000, "\r\n--")], "ä \"quoted\"\n.bin"));
  form.append('strange "name"', "x");
  form.append("empty", new File([], ""));
  await send(form);
  await send(new URLSearchParams({ a: "1 + 1 & ä", b: "" }));
  await send(new FormData());
  await dispatcher.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
