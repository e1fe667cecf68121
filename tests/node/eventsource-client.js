// SPDX-License-Identifier: MIT
// eventsource-client.js SOCKET - reads /events and prints each event as a line of JSON until one is called "end".
'use strict';
const { Agent, fetch } = require('undici');
const { EventSource } = require('eventsource');

const dispatcher = new Agent({ connect: { socketPath: process.argv[2] } });
const source = new EventSource('http://localhost/events', {
    fetch: (url, options) => fetch(url, { ...options, dispatcher }),
});
const show = (event) => console.log(JSON.stringify({ type: event.type, data: event.data, id: event.lastEventId }));

source.onopen = () => console.log('"open"');
source.onerror = () => console.log('"lost"');
for (const type of ['message', 'tick', 'gap']) {
    source.addEventListener(type, show);
}
source.addEventListener('end', (event) => {
    show(event);
    source.close();
    dispatcher.destroy();
});
