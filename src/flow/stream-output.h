/* SPDX-License-Identifier: MIT */
/* stream-output.h - the writing half of a stream, for stream.c and framed channels. */

#ifndef SP_FLOW_STREAM_OUTPUT_H
#define SP_FLOW_STREAM_OUTPUT_H

#include <sys/uio.h>

#include "flow/stream.h"

/* Hands the queue to the kernel, as much as it takes. */
void sp_stream_flush(struct sunpath_stream *stream);

/*
 * Hands over what was collected and the queue behind it, with these flags of send(2); collecting
 * goes on. True when nothing is left and the kernel has room.
 */
bool sp_stream_push(struct sunpath_stream *stream, int flags);

/* May anything be written, `size` bytes into memory? 0, -EPIPE, -ENOBUFS. */
int sp_stream_may_write(const struct sunpath_stream *stream, size_t size);

/* `n` bytes went to the kernel, of `size` it was given. */
void sp_stream_note_taken(struct sunpath_stream *stream, size_t n, size_t size);

/* Something was written: sees to it that it leaves and on_drain follows. 1 at the high mark. */
int sp_stream_note_written(struct sunpath_stream *stream);

/*
 * Sends these to a socket from where they are, which is for when nothing is queued, and queues what
 * the kernel does not take. As sunpath_stream_write().
 */
int sp_stream_write_parts(struct sunpath_stream *stream, const struct iovec *parts, size_t n_parts);

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
