/* SPDX-License-Identifier: MIT */
/* stream-output.h - the writing half of a stream, for stream.c alone. */

#ifndef SP_FLOW_STREAM_OUTPUT_H
#define SP_FLOW_STREAM_OUTPUT_H

#include "flow/stream.h"

/* Hands the queue to the kernel, as much as it takes. */
void sp_stream_flush(struct sunpath_stream *stream);

/* Hands over what was collected, the queue behind it, and stops collecting. */
void sp_stream_send_collected(struct sunpath_stream *stream);

/* Forgets what was collected for this stream. */
void sp_stream_drop_collected(struct sunpath_stream *stream);

/*
 * Nothing can be sent any more. Drops the output; the stream's task then tells what input is left
 * and ends it all with `error`. The first error stays.
 */
void sp_stream_fail(struct sunpath_stream *stream, int error);

#endif
