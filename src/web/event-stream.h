/* SPDX-License-Identifier: MIT */
/* event-stream.h - what event streams and channels know of each other. */

#ifndef SP_WEB_EVENT_STREAM_H
#define SP_WEB_EVENT_STREAM_H

#include <sunpath/event-stream.h>

#include "serve/http-server.h"

struct sunpath_event_stream {
    struct sunpath_http_exchange *exchange;
    struct sp_http_hook hook;
    struct sp_timer heartbeat;
    struct sunpath_event_stream_options options;
    struct sp_list node; /* in its channel's subscribers */
    bool is_muted;       /* HEAD, or ended: what is sent is dropped */
};

/* Sends bytes that are formatted already. Returns as sunpath_event_stream_send(). */
int sp_event_stream_send_text(struct sunpath_event_stream *stream, const char *text, size_t size);

#endif
