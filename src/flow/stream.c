/* SPDX-License-Identifier: MIT */
/* stream.c - a byte stream on a loop: its life, its reading half, its deadlines. */

#include "flow/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/options.h"
#include "base/put.h"
#include "flow/acceptor.h"
#include "flow/stream-output.h"
#include "os/fd.h"

#define READS_PER_TURN 4 /* as long as each fills the scratch buffer */

#define KIB            1024ULL

/* ---- the end --------------------------------------------------------------------------------- */

static bool is_alive(const struct sunpath_stream *stream) {
    return !stream->is_closed && !stream->is_over;
}

/* Off the loop: nothing fires any more. */
static void leave_loop(struct sunpath_stream *stream) {
    sp_task_cancel(&stream->task);
    sp_timer_deinit(&stream->timer, stream->loop);
    sp_watch_close(&stream->watch, stream->loop);
    sp_buffer_deinit(&stream->output);
    sp_stream_drop_collected(stream);
}

static void be_over(struct sunpath_stream *stream, int error) {
    if (!is_alive(stream)) {
        return;
    }
    stream->is_over = true;
    stream->error = error;
    leave_loop(stream);
    if (stream->events->on_close) {
        stream->events->on_close(stream, error, stream->user);
    } else {
        sunpath_stream_close(stream);
    }
}

static void release(struct sunpath_stream *stream) {
    if (!stream->is_borrowing) {
        sp_buffer_deinit(&stream->input);
    }
    free(stream);
}

/* Everything but the memory, when one of the stream's callbacks is still running. */
static int detach(struct sunpath_stream *stream) {
    int fd = stream->watch.fd;

    leave_loop(stream);
    sp_list_remove(&stream->siblings);
    stream->is_closed = true;
    return fd;
}

static void let_go(struct sunpath_stream *stream) {
    if (stream->acceptor) {
        sp_acceptor_release(stream->acceptor);
    }
    if (!stream->is_inside) {
        release(stream);
    }
}

struct sunpath_stream *sunpath_stream_close(struct sunpath_stream *stream) {
    if (stream && !stream->is_closed) {
        sp_close(detach(stream));
        let_go(stream); /* after the descriptor is free: the acceptor may be waiting for one */
    }
    return NULL;
}

int sunpath_stream_take_fd(struct sunpath_stream *stream) {
    int fd = detach(stream);

    let_go(stream);
    return fd;
}

/* ---- what every turn ends with --------------------------------------------------------------- */

/* Calls back, and sends together what was written meanwhile. */
static void call_collecting(struct sunpath_stream *stream,
                            void (*callback)(struct sunpath_stream *stream, void *user)) {
    struct sp_flow *flow = sp_flow_of(stream);

    flow->collecting = stream;
    callback(stream, stream->user);
    if (!stream->is_closed) {
        sp_stream_send_collected(stream);
    }
    flow->collecting = NULL;
}

static void tell_drained(struct sunpath_stream *stream) {
    size_t n_queued = sp_buffer_size(&stream->output);
    bool is_low = stream->was_high && n_queued <= stream->low_mark;

    if (!is_low && (n_queued > 0 || !stream->wants_drain)) {
        return;
    }
    if (stream->awaits_room && stream->is_blocked) {
        return;
    }
    stream->was_high = stream->awaits_room = false;
    stream->wants_drain = n_queued > 0;
    if (stream->events->on_drain && !stream->is_ending) {
        call_collecting(stream, stream->events->on_drain);
        if (stream->wants_drain && is_alive(stream)) {
            sp_task_post(&stream->task, stream->loop); /* all of that may have left, too */
        }
    }
}

/* Sends our end of file behind the last byte. A pipe has none but closing. */
static void end_output(struct sunpath_stream *stream) {
    if (!stream->is_ending || stream->has_ended_out || sp_buffer_size(&stream->output) > 0) {
        return;
    }
    if (stream->is_socket) {
        shutdown(stream->watch.fd, SHUT_WR);
    }
    stream->has_ended_out = true;
}

/* A pause is noticed when there is something to read: a short one costs no system call. */
static void watch_for_next(struct sunpath_stream *stream) {
    unsigned events = 0;
    int r;

    if (!stream->has_ended_in && !stream->is_held) {
        events |= SUNPATH_READABLE;
    }
    if (stream->is_blocked && (sp_buffer_size(&stream->output) > 0 || stream->awaits_room)) {
        events |= SUNPATH_WRITABLE;
    }
    /* A hang-up is told whether asked for or not: once will do when nothing else is wanted. */
    r = sp_watch_set(&stream->watch, stream->loop, events ? events : SP_WATCH_ONCE);
    if (r < 0) {
        be_over(stream, r);
    }
}

/* The last thing in each of the places that call back. */
static void leave(struct sunpath_stream *stream) {
    if (is_alive(stream) && !stream->error) {
        tell_drained(stream);
    }
    if (is_alive(stream) && !stream->error) {
        end_output(stream);
    }
    if (is_alive(stream)) {
        if (stream->has_ended_in && stream->has_ended_out && !stream->error) {
            be_over(stream, 0);
        } else {
            watch_for_next(stream);
        }
    }
    stream->is_inside = false;
    if (stream->is_closed) {
        release(stream);
    } else {
        sp_buffer_trim(&stream->input); /* on_drain may have consumed the last of it */
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Keeps what on_data left of the scratch buffer. */
static int keep_rest(struct sunpath_stream *stream) {
    struct sp_buffer shown = stream->input;

    if (!stream->is_borrowing) {
        sp_buffer_trim(&stream->input);
        return 0;
    }
    stream->is_borrowing = false;
    stream->input = (struct sp_buffer){0};
    return sp_buffer_append(&stream->input, sp_buffer_bytes(&shown), sp_buffer_size(&shown),
                            stream->max_input);
}

/* Calls on_data, if there is anything, with what is in `input`, and sends what it wrote. */
static void show_input(struct sunpath_stream *stream) {
    int r;

    stream->is_renewed = false;
    if (sp_buffer_size(&stream->input) == 0) {
        return;
    }
    if (stream->events->on_data) {
        call_collecting(stream, stream->events->on_data);
    } else {
        sp_buffer_consume(&stream->input, sp_buffer_size(&stream->input));
    }
    if (stream->is_closed) {
        return;
    }

    r = keep_rest(stream);
    if (r == 0 && sp_buffer_size(&stream->input) >= stream->max_input && !stream->is_paused) {
        r = -ENOBUFS;
    }
    if (r < 0) {
        be_over(stream, r);
    }
}

static void on_end_of_file(struct sunpath_stream *stream) {
    stream->has_ended_in = true;
    if (stream->error) {
        be_over(stream, stream->error);
    } else if (stream->events->on_end) {
        stream->events->on_end(stream, stream->user);
    } else {
        stream->is_ending = true;
    }
}

static ssize_t receive(struct sunpath_stream *stream, char *data, size_t size) {
    ssize_t n;

    if (sp_unlikely(stream->carrier != NULL)) {
        return stream->carrier->receive(stream->user, stream->watch.fd, data, size);
    }
    do {
        n = stream->is_socket ? recv(stream->watch.fd, data, size, MSG_DONTWAIT)
                              : read(stream->watch.fd, data, size);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/*
 * New bytes are in the scratch buffer: shows them there, with what little was kept in front, or
 * behind all that was kept.
 */
static void take_in(struct sunpath_stream *stream, size_t size) {
    char *scratch = sp_flow_input(sp_flow_of(stream));
    int r = 0;

    size_t n_kept = sp_buffer_size(&stream->input);

    stream->active_ns = stream->loop->now_ns;
    if (n_kept <= SP_FLOW_HEADROOM) {
        sp_put(scratch - n_kept, sp_buffer_bytes(&stream->input), n_kept);
        sp_buffer_deinit(&stream->input);
        stream->input = (struct sp_buffer){.data = scratch - n_kept, .end = n_kept + size};
        stream->is_borrowing = true;
    } else {
        r = sp_buffer_append(&stream->input, scratch, size, stream->max_input);
    }
    if (r < 0) {
        be_over(stream, r);
    } else {
        show_input(stream);
    }
}

/* True when there may be more at once. */
static bool read_once(struct sunpath_stream *stream) {
    size_t room = stream->max_input - sp_buffer_size(&stream->input);
    ssize_t n;

    room = room < SP_FLOW_SCRATCH ? room : SP_FLOW_SCRATCH;
    n = receive(stream, sp_flow_input(sp_flow_of(stream)), room);
    if (n > 0) {
        take_in(stream, (size_t)n);
        return (size_t)n == SP_FLOW_SCRATCH && is_alive(stream) && !stream->is_paused;
    }
    if (n == 0) {
        on_end_of_file(stream);
    } else if (n != -EAGAIN) {
        be_over(stream, stream->error ? stream->error : (int)n);
    }
    return false;
}

/* Bounded, so that one busy peer does not keep the others waiting. */
static void read_input(struct sunpath_stream *stream) {
    if (stream->is_renewed) {
        show_input(stream);
        if (!is_alive(stream) || stream->is_paused) {
            return;
        }
    }
    for (int i = 0; i < READS_PER_TURN && read_once(stream); i++) {
    }
}

/* ---- the three places that call back --------------------------------------------------------- */

static void on_readable(struct sunpath_stream *stream, unsigned events) {
    if (stream->has_ended_in) {
        /* It had sent its end of file before; now nobody is there to read ours. */
        if (events & SUNPATH_HANGUP) {
            sp_stream_fail(stream, -EPIPE);
        }
    } else if (stream->is_paused) {
        stream->is_held = true;
    } else {
        read_input(stream);
    }
}

static void on_event(struct sp_watch *watch, unsigned events) {
    struct sunpath_stream *stream = sp_container_of(watch, struct sunpath_stream, watch);

    stream->is_inside = true;
    if (stream->is_blocked && events & (SUNPATH_WRITABLE | SUNPATH_HANGUP)) {
        stream->is_blocked = false;
        sp_stream_flush(stream);
    }
    if (events & (SUNPATH_READABLE | SUNPATH_HANGUP)) {
        on_readable(stream, events);
    }
    leave(stream);
}

/*
 * Sending failed: what the peer sent before it went is still told, then it is over. An owner that
 * has paused gets it after it resumes; until then its writes tell it.
 */
static void wind_up(struct sunpath_stream *stream) {
    int n_unread = 0;

    if (stream->has_ended_in || ioctl(stream->watch.fd, FIONREAD, &n_unread) < 0 || n_unread == 0) {
        be_over(stream, stream->error);
    } else if (stream->is_paused) {
        tell_drained(stream);
    } else {
        read_input(stream);
        if (is_alive(stream) && !stream->is_paused) {
            sp_task_post(&stream->task, stream->loop);
        }
    }
}

static void on_task(struct sp_task *task) {
    struct sunpath_stream *stream = sp_container_of(task, struct sunpath_stream, task);

    stream->is_inside = true;
    if (stream->is_renewed && !stream->is_paused) {
        show_input(stream);
    }
    if (is_alive(stream) && stream->error) {
        wind_up(stream);
    } else if (is_alive(stream)) {
        sp_stream_flush(stream);
    }
    leave(stream);
}

static uint64_t deadline_ns(const struct sunpath_stream *stream) {
    uint64_t idle_ns = SP_NEVER;

    if (stream->idle_ms > 0) {
        idle_ns = stream->active_ns + (uint64_t)stream->idle_ms * SP_NS_PER_MS;
    }
    return idle_ns < stream->total_ns ? idle_ns : stream->total_ns;
}

static void on_due(struct sp_timer *timer) {
    struct sunpath_stream *stream = sp_container_of(timer, struct sunpath_stream, timer);
    uint64_t due_ns = deadline_ns(stream);

    if (due_ns > stream->loop->now_ns) {
        sp_timer_set(timer, stream->loop, due_ns); /* there was traffic since it was set */
        return;
    }
    stream->is_inside = true;
    be_over(stream, -ETIMEDOUT);
    leave(stream);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int set_options(struct sunpath_stream *stream, const struct sunpath_stream_options *given) {
    struct sunpath_stream_options options;
    int r;

    r = sp_options_read(&options, sizeof(options), given);
    if (r < 0) {
        return r;
    }

    stream->max_input = options.max_input ? options.max_input : 1024 * KIB;
    stream->max_output = options.max_output ? options.max_output : 16 * 1024 * KIB;
    stream->high_mark = options.high_mark ? options.high_mark : 256 * KIB;
    stream->low_mark = options.low_mark ? options.low_mark : 64 * KIB;
    if (stream->low_mark >= stream->high_mark) {
        stream->low_mark = stream->high_mark - 1;
    }
    stream->idle_ms = options.idle_ms;
    stream->active_ns = sp_loop_now(stream->loop);
    stream->total_ns = SP_NEVER;
    if (options.total_ms > 0) {
        stream->total_ns = stream->active_ns + (uint64_t)options.total_ms * SP_NS_PER_MS;
    }
    sp_timer_set(&stream->timer, stream->loop, deadline_ns(stream));
    return 0;
}

static void free_flow(void *shared) {
    struct sp_flow *flow = shared;

    sp_packet_room_free(flow->packet_room);
    sp_buffer_deinit(&flow->spare);
    free(flow);
}

struct sp_flow *sp_flow_share(struct sunpath_loop *loop) {
    struct sp_flow *flow = loop->shared ? loop->shared : malloc(sizeof(*flow));

    if (!loop->shared && flow) {
        flow->collecting = NULL;
        flow->n_output = 0;
        flow->packet_room = NULL;
        flow->spare = (struct sp_buffer){0};
        loop->shared = flow;
        loop->free_shared = free_flow;
    }
    return flow;
}

/* `access` is O_RDWR, or the one direction a pipe end has. */
static int open_stream(struct sunpath_stream **ret, struct sunpath_loop *loop, int fd,
                       const struct sunpath_stream_events *events, void *user,
                       const struct sunpath_stream_options *options, int access) {
    _cleanup_(sp_freep) struct sunpath_stream *stream = NULL;
    int r;

    if (!events) {
        return -EINVAL;
    }

    stream = calloc(1, sizeof(*stream));
    if (!stream || !sp_flow_share(loop)) {
        return -ENOMEM;
    }

    stream->loop = loop;
    stream->events = events;
    stream->user = user;
    stream->has_ended_in = access == O_WRONLY;
    stream->has_ended_out = stream->is_ending = access == O_RDONLY;
    sp_list_init(&stream->siblings);
    sp_task_init(&stream->task, on_task);
    sp_timer_init(&stream->timer, on_due);
    r = sp_watch_open(&stream->watch, loop, fd,
                      stream->has_ended_in ? SP_WATCH_ONCE : SUNPATH_READABLE, on_event);
    if (r < 0) {
        return r;
    }

    r = set_options(stream, options);
    if (r < 0) {
        sp_watch_close(&stream->watch, loop);
        return r;
    }

    *ret = sp_take_ptr(&stream);
    return 0;
}

int sp_stream_open_socket(struct sunpath_stream **ret, struct sunpath_loop *loop, int fd,
                          const struct sunpath_stream_events *events, void *user,
                          const struct sunpath_stream_options *options,
                          struct sp_acceptor *acceptor) {
    struct sunpath_stream *stream;
    int r;

    r = open_stream(&stream, loop, fd, events, user, options, O_RDWR);
    if (r < 0) {
        return r;
    }

    stream->is_socket = true;
    stream->acceptor = acceptor;
    *ret = stream;
    return 0;
}

int sunpath_stream_open(struct sunpath_stream **ret, struct sunpath_loop *loop, int fd,
                        const struct sunpath_stream_events *events, void *user,
                        const struct sunpath_stream_options *options) {
    socklen_t n_type = sizeof(int);
    int flags, type = 0;

    flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return -errno;
    }

    if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return -errno;
    }

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) == 0) {
        return type == SOCK_STREAM
                   ? sp_stream_open_socket(ret, loop, fd, events, user, options, NULL)
                   : -EPROTOTYPE;
    }
    return open_stream(ret, loop, fd, events, user, options, flags & O_ACCMODE);
}

int sp_stream_hand_over(struct sunpath_stream *stream, const struct sunpath_stream_events *events,
                        void *user, const struct sunpath_stream_options *options) {
    int r;

    if (!is_alive(stream)) {
        return -EPIPE;
    }

    r = set_options(stream, options);
    if (r < 0) {
        return r;
    }

    stream->events = events;
    stream->user = user;
    sp_list_remove(&stream->siblings);
    if (stream->acceptor) {
        sp_acceptor_release(stream->acceptor);
        stream->acceptor = NULL;
    }
    sunpath_stream_resume(stream);
    stream->is_renewed = true;
    sp_task_post(&stream->task, stream->loop);
    return 0;
}

/* ---- the rest of the interface --------------------------------------------------------------- */

int sunpath_stream_fd(const struct sunpath_stream *stream) {
    return stream->watch.fd;
}

void sunpath_stream_set_user(struct sunpath_stream *stream, void *user) {
    stream->user = user;
}

const void *sunpath_stream_input(struct sunpath_stream *stream, size_t *ret_size) {
    return sp_stream_input(stream, ret_size);
}

void sunpath_stream_consume(struct sunpath_stream *stream, size_t size) {
    sp_stream_consume(stream, size);
}

void sunpath_stream_pause(struct sunpath_stream *stream) {
    stream->is_paused = true;
}

void sunpath_stream_resume(struct sunpath_stream *stream) {
    if (!stream->is_paused || !is_alive(stream)) {
        return;
    }
    stream->is_paused = false;
    stream->is_held = false;
    stream->is_renewed = sp_buffer_size(&stream->input) > 0;
    if (!stream->is_inside) {
        sp_task_post(&stream->task, stream->loop); /* which watches for input again */
    } else if (stream->is_renewed || stream->error) {
        sp_task_post(&stream->task, stream->loop);
    }
}
