/* SPDX-License-Identifier: MIT */
/* stream.h - a byte stream on a loop: buffered both ways, bounded, with deadlines. */

#ifndef SUNPATH_STREAM_H
#define SUNPATH_STREAM_H

#include <sunpath/listener.h>
#include <sunpath/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_stream;

/*
 * All optional. They fire only inside dispatch. Closing the stream in any of them is
 * legal. After on_close nothing fires any more.
 */
struct sunpath_stream_events {
    /*
     * New input: sunpath_stream_input() shows it, sunpath_stream_consume() lets go of it. What is
     * not consumed is kept and shown again, longer, with the next input.
     */
    void (*on_data)(struct sunpath_stream *stream, void *user);

    /* The peer sent end of file. Writing is still possible. Without it the stream ends itself, too.
     */
    void (*on_end)(struct sunpath_stream *stream, void *user);

    /*
     * The output queue fell to the low mark after it had reached the high mark, or the kernel has
     * taken all that was written: it fires after every write, sooner or later.
     */
    void (*on_drain)(struct sunpath_stream *stream, void *user);

    /*
     * It is over: both directions ended (0), or an error: -ECONNRESET, -EPIPE, -ETIMEDOUT (idle or
     * total deadline), -ENOBUFS (the unread input reached its cap), ... The stream is still to be
     * closed. Without on_close it closes itself here: right for streams that nobody points at.
     */
    void (*on_close)(struct sunpath_stream *stream, int error, void *user);
};

struct sunpath_stream_options {
    size_t size;
    size_t max_input;  /* unconsumed bytes kept; 0: 1 MiB. Reaching it is -ENOBUFS */
    size_t max_output; /* bytes queued; 0: 16 MiB. A write over it fails and queues nothing */
    size_t high_mark;  /* write returns 1 from here on; 0: 256 KiB */
    size_t low_mark;   /* on_drain fires from here down; 0: 64 KiB */
    int idle_ms;  /* closed with -ETIMEDOUT after so long without a byte either way; 0: never */
    int total_ms; /* closed with -ETIMEDOUT so long after it was opened; 0: never */
};

/*
 * Puts the connected stream socket (or pipe end) `fd` on the loop; owned only when 0 is returned.
 * `events` is borrowed for ever (make it static const). -EINVAL (options),
 * -EPROTOTYPE (another type of socket), -EPERM (a regular file), -EBADF, -ENOMEM, -ENOSPC.
 */
SUNPATH_API int sunpath_stream_open(struct sunpath_stream **ret, struct sunpath_loop *loop, int fd,
                                    const struct sunpath_stream_events *events, void *user,
                                    const struct sunpath_stream_options *options);

/* Closes at once, queued output included. Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_stream *sunpath_stream_close(struct sunpath_stream *stream);

/* Takes the descriptor out of the loop and frees the stream; unsent output and unread input are
 * lost. */
SUNPATH_API int sunpath_stream_take_fd(struct sunpath_stream *stream);

/* Borrowed. */
SUNPATH_API int sunpath_stream_fd(const struct sunpath_stream *stream);

/* The unconsumed input. Valid until the callback it is asked in returns, or until consume(). */
SUNPATH_API const void *sunpath_stream_input(struct sunpath_stream *stream, size_t *ret_size);
SUNPATH_API void sunpath_stream_consume(struct sunpath_stream *stream, size_t size);

/*
 * Queues a copy of `data`. What is written in one turn of the loop leaves together. Returns 0, or 1
 * when the queue is at the high mark (stop and wait for on_drain); -ENOBUFS when `max_output` would
 * be passed, -EPIPE after sunpath_stream_end() or a failure, -ENOMEM. Never -EAGAIN, never partial.
 */
SUNPATH_API int sunpath_stream_write(struct sunpath_stream *stream, const void *data, size_t size);

/*
 * Sends bytes of the regular file `fd` (borrowed) from `offset` on, behind everything written so
 * far and without copying them through the program (sendfile(2), where the file system has it).
 * Nothing of the file is queued: it returns how many bytes the kernel took, at most `size` and at
 * most 1 MiB, 0 when it had no room. After each of these on_drain tells when to go on with the
 * rest; what is written before that goes out first. What was sent may still lie in the socket as a
 * reference to the file's pages: who changes the file in place changes that, too.
 *
 * -EIO (the file ends before a single byte could be sent), -EPIPE as sunpath_stream_write(),
 * -EINVAL (`size` is 0, `offset` no offset), -ENOMEM, or what reading the file gave.
 */
SUNPATH_API ssize_t sunpath_stream_send_file(struct sunpath_stream *stream, int fd, uint64_t offset,
                                             uint64_t size);

/* Bytes queued and not yet taken by the kernel. */
SUNPATH_API size_t sunpath_stream_n_queued(const struct sunpath_stream *stream);

/* No more output: the peer reads end of file once everything queued is sent. Input goes on. */
SUNPATH_API void sunpath_stream_end(struct sunpath_stream *stream);

/*
 * Stops and resumes reading. While paused the sender is held back by the kernel's buffer. After
 * resuming on_data is called again for input that was kept.
 */
SUNPATH_API void sunpath_stream_pause(struct sunpath_stream *stream);
SUNPATH_API void sunpath_stream_resume(struct sunpath_stream *stream);

/* A server of byte streams: accepts on a listener and opens a stream for each connection. */
struct sunpath_stream_server;

struct sunpath_stream_server_options {
    size_t size;
    const struct sunpath_stream_options *stream; /* for each connection; copied */
    size_t max_connections;                      /* more wait in the backlog; 0: no limit */
};

/*
 * `on_connection` may set a user pointer for this connection's events with
 * sunpath_stream_set_user(); without it they get the server's `user`. Streams that are not closed
 * when the server is closed are closed with it. Running out of descriptors pauses accepting until
 * one is free; it never spins. Errors as sunpath_listener_open().
 */
SUNPATH_API int sunpath_stream_server_open(
    struct sunpath_stream_server **ret, struct sunpath_loop *loop, const char *address,
    const struct sunpath_listen_options *listen_options,
    const struct sunpath_stream_server_options *options,
    void (*on_connection)(struct sunpath_stream *stream, void *user),
    const struct sunpath_stream_events *events, void *user, struct sunpath_error *error);
SUNPATH_API struct sunpath_stream_server *sunpath_stream_server_close(
    struct sunpath_stream_server *server);

/*
 * Accepts no more: the listener is closed, and its file is removed unless it was handed over. The
 * streams that are open go on until the server is closed.
 */
SUNPATH_API void sunpath_stream_server_stop(struct sunpath_stream_server *server);

/* Borrowed: to ask for its address, or to hand it over. NULL after sunpath_stream_server_stop(). */
SUNPATH_API struct sunpath_listener *sunpath_stream_server_listener(
    struct sunpath_stream_server *server);

SUNPATH_API void sunpath_stream_set_user(struct sunpath_stream *stream, void *user);

#ifdef __cplusplus
}
#endif

#endif
