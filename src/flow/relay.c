/* SPDX-License-Identifier: MIT */
/* relay.c - join two sockets: one piece at a time each way, ends carried over, errors told once. */

#include "flow/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/options.h"
#include "flow/stream.h"
#include "os/fd.h"

#define MESSAGE_MAX ((size_t)256 * 1024)

static const char *name_of(const struct sunpath_relay *relay, int i) {
    const char *name = i == 0 ? relay->options.first_name : relay->options.second_name;

    return name ? name : i == 0 ? "the first end" : "the second end";
}

/* ---- the end --------------------------------------------------------------------------------- */

static void leave_loop(struct sunpath_relay *relay) {
    sp_timer_deinit(&relay->timer, relay->loop);
    for (int i = 0; i < 2; i++) {
        sp_watch_close(&relay->ends[i].watch, relay->loop);
    }
}

static void let_go(struct sunpath_relay *relay) {
    if (relay->is_over) {
        return;
    }
    relay->is_over = true;
    leave_loop(relay);
    for (int i = 0; i < 2; i++) {
        sp_held_drop(&relay->ways[i].held);
        relay->ends[i].socket.fd = sp_close(relay->ends[i].socket.fd);
    }
}

struct sunpath_relay *sunpath_relay_close(struct sunpath_relay *relay) {
    if (!relay || relay->is_closed) {
        return NULL;
    }
    let_go(relay);
    relay->is_closed = true;
    if (!relay->is_inside) {
        free(relay);
    }
    return NULL;
}

/* `error` NULL: all went well. */
static void be_over(struct sunpath_relay *relay, const struct sunpath_error *error, int end) {
    let_go(relay);
    if (relay->on_close) {
        relay->on_close(relay, error, (enum sunpath_relay_end)end, relay->user);
    } else {
        sunpath_relay_close(relay);
    }
}

void sp_relay_fail(struct sunpath_relay *relay, int end, int code) {
    struct sunpath_error error;

    errno = -code;
    if (code == -EPIPE || code == -ECONNRESET) {
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "relay",
                "%s left before it had taken everything", name_of(relay, end));
    } else {
        sp_fail(&error, code, sp_reason_of_errno(code), "relay", "%s: %m", name_of(relay, end));
    }
    be_over(relay, &error, end);
}

void sp_relay_lose(struct sunpath_relay *relay, int end, int code, size_t size, bool is_sending) {
    unsigned long long number = relay->ways[end].counts.n_messages + 1;
    const char *name = name_of(relay, end);
    struct sunpath_error error;

    if (code == -EMSGSIZE && is_sending) {
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "relay",
                "%s: message %llu: its %zu bytes are more than the send buffer towards %s holds",
                name, number, size, name_of(relay, !end));
    } else if (code == -EMSGSIZE) {
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "relay",
                "%s: message %llu: its %zu bytes are over the limit of %zu", name, number, size,
                relay->n_room);
    } else if (relay->options.no_fds) {
        sp_fail(&error, code, SUNPATH_REASON_PROTOCOL, "relay",
                "%s sent descriptors, which are not let through", name);
    } else {
        sp_fail(&error, code, SUNPATH_REASON_SYSTEM, "relay",
                "%s sent more descriptors than this process can have or pass on", name);
    }
    be_over(relay, &error, is_sending && code == -EMSGSIZE ? !end : end);
}

/* ---- what every turn ends with --------------------------------------------------------------- */

static void end_way(struct sunpath_relay *relay, int from) {
    struct sp_relay_way *way = &relay->ways[from];
    const struct sp_relay_socket *to = &relay->ends[!from].socket;

    if (way->has_ended && !way->is_over && !way->held.is_there) {
        way->is_over = true;
        if (to->type != SUNPATH_DGRAM) {
            shutdown(to->fd, SHUT_WR);
        }
    }
}

static void watch_for_next(struct sunpath_relay *relay, int i) {
    unsigned events = 0;
    int r;

    if (sp_relay_wants_input(relay, i)) {
        events |= SUNPATH_READABLE;
    }
    if (relay->ways[!i].held.is_there) {
        events |= SUNPATH_WRITABLE;
    }
    /* a hang-up is told whether asked for or not: once will do when nothing else is wanted */
    r = sp_watch_set(&relay->ends[i].watch, relay->loop, events ? events : SP_WATCH_ONCE);
    if (r < 0) {
        sp_relay_fail(relay, i, r);
    }
}

static void leave(struct sunpath_relay *relay) {
    for (int i = 0; i < 2 && !relay->is_over; i++) {
        end_way(relay, i);
    }
    if (!relay->is_over && relay->ways[0].is_over && relay->ways[1].is_over) {
        if (relay->error < 0) {
            sp_relay_fail(relay, relay->failed, relay->error);
        } else {
            be_over(relay, NULL, 0);
        }
    }
    for (int i = 0; i < 2 && !relay->is_over; i++) {
        watch_for_next(relay, i);
    }
    relay->is_inside = false;
    if (relay->is_closed) {
        free(relay);
    }
}

/* ---- the places that call back --------------------------------------------------------------- */

static void on_event(struct sunpath_relay *relay, int i, unsigned events) {
    relay->is_inside = true;
    if (events & (SUNPATH_WRITABLE | SUNPATH_HANGUP)) {
        sp_relay_flush(relay, !i);
    }
    if (events & (SUNPATH_READABLE | SUNPATH_HANGUP)) {
        sp_relay_read(relay, i);
    }
    if (events & SUNPATH_HANGUP && !relay->is_over && relay->ways[i].has_ended) {
        if (relay->ways[!i].held.is_there) {
            sp_relay_note_error(relay, i, -EPIPE);
        }
        sp_relay_give_up(relay, !i); /* nobody is there to read what the other sends */
    }
    leave(relay);
}

static void on_first(struct sp_watch *watch, unsigned events) {
    on_event(sp_container_of(watch, struct sunpath_relay, ends[0].watch), 0, events);
}

static void on_second(struct sp_watch *watch, unsigned events) {
    on_event(sp_container_of(watch, struct sunpath_relay, ends[1].watch), 1, events);
}

static uint64_t idle_ns(const struct sunpath_relay *relay) {
    return relay->active_ns + (uint64_t)relay->options.idle_ms * SP_NS_PER_MS;
}

static void on_due(struct sp_timer *timer) {
    struct sunpath_relay *relay = sp_container_of(timer, struct sunpath_relay, timer);
    struct sunpath_error error;

    relay->is_inside = true;
    if (idle_ns(relay) > relay->loop->now_ns) {
        sp_timer_set(timer, relay->loop, idle_ns(relay));
    } else {
        sp_fail(&error, -ETIMEDOUT, SUNPATH_REASON_TIMEOUT, "relay",
                "nothing came or went for %d ms", relay->options.idle_ms);
        /* whoever holds up what is there, or else the first */
        be_over(relay, &error, relay->ways[0].held.is_there);
    }
    leave(relay);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int examine(struct sunpath_relay *relay, int i, int fd) {
    struct sp_relay_socket *socket = &relay->ends[i].socket;
    struct sockaddr_storage peer;
    socklen_t n_type = sizeof(int), n_domain = sizeof(int), n_peer = sizeof(peer);
    int r = sunpath_adopt(fd), type, domain;

    if (r < 0) {
        return r;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n_domain) < 0) {
        return -errno;
    }

    *socket = (struct sp_relay_socket){
        .fd = fd, .type = (enum sunpath_type)type, .is_unix = domain == AF_UNIX};
    if (type == SOCK_DGRAM && getpeername(fd, (struct sockaddr *)&peer, &n_peer) < 0) {
        relay->ways[!i].has_ended = relay->ways[!i].is_over = true; /* there is nobody to send to */
    }
    /* They tell an empty message from the end, but on streams hide whether there are descriptors.
     */
    return socket->is_unix ? sunpath_want_credentials(fd, type == SOCK_SEQPACKET) : 0;
}

static int set_up(struct sunpath_relay *relay, int first_fd, int second_fd) {
    bool is_first_stream, is_second_stream;
    int r = examine(relay, 0, first_fd);

    if (r == 0) {
        r = examine(relay, 1, second_fd);
    }
    if (r < 0) {
        return r;
    }
    is_first_stream = relay->ends[0].socket.type == SUNPATH_STREAM;
    is_second_stream = relay->ends[1].socket.type == SUNPATH_STREAM;
    if (is_first_stream != is_second_stream) {
        return -EPROTOTYPE;
    }
    if (relay->ways[0].is_over && relay->ways[1].is_over) {
        return -ENOTCONN;
    }

    relay->n_room = is_first_stream                  ? SP_FLOW_SCRATCH
                    : relay->options.max_message > 0 ? relay->options.max_message
                                                     : MESSAGE_MAX;
    relay->room = sp_packet_room_for(relay->loop, relay->n_room);
    return relay->room ? 0 : -ENOMEM;
}

static int join_loop(struct sunpath_relay *relay) {
    int r = sp_watch_open(&relay->ends[0].watch, relay->loop, relay->ends[0].socket.fd,
                          SUNPATH_READABLE, on_first);

    if (r == 0) {
        r = sp_watch_open(&relay->ends[1].watch, relay->loop, relay->ends[1].socket.fd,
                          SUNPATH_READABLE, on_second);
    }
    if (r < 0) {
        leave_loop(relay);
        return r;
    }
    relay->active_ns = sp_loop_now(relay->loop);
    if (relay->options.idle_ms > 0) {
        sp_timer_set(&relay->timer, relay->loop, idle_ns(relay));
    }
    return 0;
}

int sunpath_relay_open(struct sunpath_relay **ret, struct sunpath_loop *loop, int first_fd,
                       int second_fd,
                       void (*on_close)(struct sunpath_relay *relay,
                                        const struct sunpath_error *error,
                                        enum sunpath_relay_end end, void *user),
                       void *user, const struct sunpath_relay_options *options) {
    _cleanup_(sp_freep) struct sunpath_relay *relay = calloc(1, sizeof(*relay));
    int r;

    if (!relay) {
        return -ENOMEM;
    }

    relay->loop = loop;
    relay->on_close = on_close;
    relay->user = user;
    sp_timer_init(&relay->timer, on_due);
    r = sp_options_read(&relay->options, sizeof(relay->options), options);
    if (r == 0) {
        r = set_up(relay, first_fd, second_fd);
    }
    if (r == 0) {
        r = join_loop(relay);
    }
    if (r < 0) {
        return r;
    }

    *ret = sp_take_ptr(&relay);
    return 0;
}

void sunpath_relay_count(const struct sunpath_relay *relay, enum sunpath_relay_end end,
                         struct sunpath_relay_counts *ret) {
    *ret = relay->ways[end].counts;
    ret->n_held = sp_buffer_size(&relay->ways[end].held.bytes);
}
