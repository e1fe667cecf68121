/* SPDX-License-Identifier: MIT */
/* send-all.h - send and wait for room, up to a deadline. */

#ifndef SP_SOCK_SEND_ALL_H
#define SP_SOCK_SEND_ALL_H

#include <sunpath/connection.h>

/* Waits until any of `events` (poll(2)) holds of `fd`. 0, -ETIMEDOUT, or what poll(2) says. */
int sp_wait_until(int fd, short events, uint64_t deadline_ns);

/*
 * Sends all of `data` (at least a byte) on a connected socket: as one message, or as many bytes of
 * a stream, of which some may be sent when it fails. `options` may be NULL; its descriptors go with
 * the first byte. 0, -ETIMEDOUT, or what sunpath_send() says except -EAGAIN.
 */
int sp_send_all(int fd, const void *data, size_t size, const struct sunpath_send_options *options,
                uint64_t deadline_ns);

#endif
