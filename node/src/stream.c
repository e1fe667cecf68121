/* SPDX-License-Identifier: MIT */
/* stream.c - class Stream: the byte stream behind a Socket. */

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sunpath/connection.h>
#include <sunpath/stream.h>

#include "addon.h"
#include "batch.h"
#include "descriptor.h"
#include "object.h"

#define SHORT_MAX   262144 /* what writeAll() lets wait */
#define LARGE       65536
#define LARGE_READS 3

struct sn_stream {
    struct sn_object object;
    struct sunpath_stream *stream; /* NULL once closed */
    uint32_t slot;                 /* its number in a batch */
    bool is_reading;               /* JavaScript wants input */
    bool has_ended_in, is_over;
    bool is_sending;  /* the kernel has not taken everything, as far as we were told */
    bool tells_drain; /* JavaScript waits for that */
    int error;        /* negative: with which output was lost that had been collected */
};

static void update(struct sn_stream *stream) {
    bool reads = stream->is_reading && !stream->has_ended_in;

    sn_batch_set_detour(stream->object.own, stream->slot, stream->is_sending || stream->is_over);
    sn_object_set_active(&stream->object,
                         !stream->is_over && stream->stream && (reads || stream->is_sending));
}

/* ---- what the loop tells --------------------------------------------------------------------- */

/* Behind the input that waits. What that makes JavaScript do may close the stream. */
static void tell(struct sn_stream *stream, enum sn_callback callback, size_t n,
                 const napi_value *arguments) {
    sn_object_value(&stream->object); /* so that it is not collected meanwhile */
    sn_batch_deliver(stream->object.own);
    sn_object_tell(&stream->object, callback, n, arguments);
}

/*
 * A peer that is gone is an error for those who still have something to send; who only waits for
 * its own end of file to be asked for learns it with the next write.
 */
static void on_close(struct sunpath_stream *from, int error, void *user) {
    struct sn_stream *stream = user;
    napi_value made;

    (void)from;
    stream->is_over = true;
    error = stream->error ? stream->error : error;
    if (error < 0 && (error != -EPIPE || stream->is_sending)) {
        made = sn_make_error(stream->object.own->env, error,
                             error == -EPIPE || stream->error ? "write" : "read", NULL, NULL);
        tell(stream, SN_STREAM_ERROR, 1, &made);
    }
    update(stream);
}

static bool wants_more(const struct sn_stream *stream) {
    return stream->stream && stream->is_reading && !stream->is_over && stream->object.own;
}

/* True when there may be more at once. */
static bool read_large(struct sn_stream *stream) {
    struct sn_env *own = stream->object.own;
    size_t offset = 0;
    napi_value buffer;
    ssize_t n;
    void *room;

    if (!sn_env_large(own, LARGE, &buffer, &room)) {
        return false;
    }
    n = recv(sunpath_stream_fd(stream->stream), room, LARGE, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTSOCK) {
            on_close(stream->stream, -errno, stream); /* the kernel tells it once only */
        }
        return false; /* an end of file it tells again */
    }
    if (n > LARGE / 2) {
        sn_env_large_used(own);
    } else if (!sn_env_store(own, room, (size_t)n, &buffer, &offset)) {
        sn_env_large_used(own); /* no memory for less: then all of it */
    }
    sn_batch_tell(own, stream->slot, buffer, offset, (size_t)n);
    return n == LARGE && wants_more(stream);
}

/*
 * What comes in large pieces is read to where JavaScript has it, not copied there; the stream does
 * not mind, as it has nothing left.
 */
static void take_large(struct sn_stream *stream) {
    struct sn_env *own = stream->object.own;
    napi_value buffer;
    const void *input;
    size_t size;

    input = sunpath_stream_input(stream->stream, &size);
    if (napi_create_buffer_copy(own->env, size, input, NULL, &buffer) != napi_ok) {
        sunpath_stream_pause(stream->stream); /* no memory now: it stays where it is */
        return;
    }
    sunpath_stream_consume(stream->stream, size);
    sn_batch_tell(own, stream->slot, buffer, 0, size);
    if (size >= LARGE && wants_more(stream)) {
        for (int i = 0; i < LARGE_READS && read_large(stream); i++) {
        }
    }
}

/* In a scope of its own: what nobody keeps can be collected before the turn ends. */
static void on_large_data(struct sn_stream *stream) {
    struct sn_env *own = stream->object.own;
    napi_handle_scope scope;

    sn_object_value(&stream->object); /* so that it is not collected meanwhile */
    sn_batch_deliver(own);
    if (wants_more(stream) && napi_open_handle_scope(own->env, &scope) == napi_ok) {
        take_large(stream);
        napi_close_handle_scope(own->env, scope);
    }
}

static void on_data(struct sunpath_stream *from, void *user) {
    struct sn_stream *stream = user;
    struct sn_env *own = stream->object.own;
    size_t size;
    const void *input = sunpath_stream_input(from, &size);

    if (size > SN_BATCH_PIECE) {
        on_large_data(stream);
    } else if (sn_batch_add(own, stream->slot, input, size)) {
        sunpath_stream_consume(from, size);
        sn_batch_deliver_full(own); /* the stream may be closed then */
    } else {
        sunpath_stream_pause(from); /* no memory now: it stays where it is */
    }
}

static void on_end(struct sunpath_stream *from, void *user) {
    struct sn_stream *stream = user;

    (void)from;
    stream->has_ended_in = true;
    tell(stream, SN_STREAM_END, 0, NULL);
    update(stream);
}

static void on_drain(struct sunpath_stream *from, void *user) {
    struct sn_stream *stream = user;

    if (sunpath_stream_n_queued(from) > 0 || stream->error) {
        return;
    }
    stream->is_sending = false;
    if (stream->tells_drain) {
        stream->tells_drain = false;
        tell(stream, SN_STREAM_DRAIN, 0, NULL);
    }
    update(stream);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void close_stream(struct sn_object *object) {
    struct sn_stream *stream = (struct sn_stream *)object;

    if (stream->slot != SN_NO_SLOT) {
        sn_batch_send(object->own);
        sn_batch_free_slot(object->own, stream->slot);
        stream->slot = SN_NO_SLOT;
    }
    stream->stream = sunpath_stream_close(stream->stream);
}

static const struct sn_class class = {.name = "Stream", .close = close_stream};

/* `fd` is the caller's when this fails. */
static int open_stream(struct sn_stream *stream, struct sunpath_loop *loop, int fd) {
    static const struct sunpath_stream_events events = {
        .on_data = on_data, .on_end = on_end, .on_drain = on_drain, .on_close = on_close};
    int r;

    r = sunpath_stream_open(&stream->stream, loop, fd, &events, stream, NULL);
    if (r == 0) {
        sunpath_stream_pause(stream->stream); /* until somebody asks */
    }
    return r;
}

/* new Stream(fd or Descriptor): owns the connected socket from here on, unless it throws. */
static napi_value construct(napi_env env, napi_callback_info info) {
    struct sunpath_loop *loop;
    struct sn_stream *stream;
    struct sn_given_fd given;
    struct sn_args args;
    int r;

    if (!sn_args_read_new(&args, env, info) || !sn_descriptor_read(env, args.v[0], &given)) {
        return NULL;
    }
    loop = sn_env_loop(sn_env_of(env));
    stream = loop ? calloc(1, sizeof(*stream)) : NULL;
    if (!stream) {
        return loop ? sn_fail(env, -ENOMEM, "malloc", NULL, NULL) : NULL;
    }
    stream->slot = sn_batch_take_slot(sn_env_of(env), stream);
    r = stream->slot == SN_NO_SLOT ? -ENOMEM : open_stream(stream, loop, given.fd);
    if (r < 0) {
        if (stream->slot != SN_NO_SLOT) {
            sn_batch_free_slot(sn_env_of(env), stream->slot);
        }
        free(stream);
        return sn_fail(env, r, "open", NULL, NULL);
    }
    sn_descriptor_taken(&given);
    return sn_object_wrap(&stream->object, &class, &args) ? args.this_value : NULL;
}

/* Whatever is done with a stream comes behind what was written to it. */
static struct sn_stream *stream_of(struct sn_args *args, napi_env env, napi_callback_info info) {
    sn_args_read(args, env, info);
    sn_batch_send(sn_env_of(env));
    return sn_object_of(args, &class);
}

/* slot(): what lib/batch.js knows it by */
static napi_value get_slot(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);

    return stream ? sn_int(env, stream->slot) : NULL;
}

/* fd(): -1 once it is closed */
static napi_value get_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);

    return stream ? sn_int(env, stream->stream ? sunpath_stream_fd(stream->stream) : -1) : NULL;
}

/* takeFd(): the descriptor, which the caller owns from here on; -1 when it is closed */
static napi_value take_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    int fd = -1;

    if (!stream) {
        return NULL;
    }
    if (stream->stream) {
        fd = sunpath_stream_take_fd(stream->stream);
        stream->stream = NULL;
    }
    sn_object_close(&stream->object);
    return sn_int(env, fd);
}

/* hasInput(): whether it has read something that JavaScript was not told of yet */
static napi_value has_input(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    size_t size = 0;

    if (!stream) {
        return NULL;
    }
    if (stream->stream) {
        sunpath_stream_input(stream->stream, &size);
    }
    return sn_bool(env, size > 0 || sn_batch_has_input(sn_env_of(env), stream->slot));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* read(wants): input is told while it is true. */
static napi_value set_reading(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    bool wants;

    if (!stream || !sn_get_bool(env, args.v[0], "wants", &wants) || !stream->stream) {
        return NULL;
    }
    stream->is_reading = wants;
    if (wants) {
        sunpath_stream_resume(stream->stream);
        sn_env_touch(stream->object.own);
    } else {
        sunpath_stream_pause(stream->stream);
    }
    update(stream);
    return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What finds nothing queued goes out at once; the rest of it is queued. */
ssize_t sn_stream_give(struct sn_stream *stream, const char *data, size_t size) {
    size_t n_queued;
    ssize_t n = 0;
    int r;

    if (stream->error || stream->is_over || !stream->stream) {
        return stream->error ? stream->error : -EPIPE;
    }
    n_queued = sunpath_stream_n_queued(stream->stream);
    if (n_queued == 0 && size > 0) {
        n = send(sunpath_stream_fd(stream->stream), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        n = n > 0 ? n : 0; /* why it failed is told when the stream tries */
        if ((size_t)n == size) {
            return 0;
        }
    }
    r = sunpath_stream_write(stream->stream, data + n, size - (size_t)n);
    if (r < 0) {
        return r;
    }
    sn_env_touch(stream->object.own);
    n_queued = sunpath_stream_n_queued(stream->stream);
    stream->is_sending = stream->is_sending || n_queued > 0;
    update(stream);
    return (ssize_t)n_queued;
}

void sn_stream_fail(struct sn_stream *stream, int error) {
    stream->error = error;
    stream->is_sending = true; /* and will be: nobody is to take it for sent */
    update(stream);
}

void sn_stream_report(struct sn_stream *stream) {
    if (stream->error && !stream->is_over) {
        on_close(stream->stream, stream->error, stream);
    }
}

static napi_value write_range(struct sn_stream *stream, const char *data, size_t size, bool tells) {
    ssize_t n = sn_stream_give(stream, data, size);

    stream->tells_drain = stream->tells_drain || (tells && n > 0);
    return sn_int(stream->object.own->env, n);
}

/*
 * write(bytes, offset, size): how many bytes are queued then, or a negative errno. They are copied
 * as far as the kernel does not take them now.
 */
static napi_value write_part(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    int64_t offset, size;
    const void *data;
    size_t n_data;

    if (!stream || !sn_get_bytes(env, args.v[0], "bytes", &data, &n_data) ||
        !sn_get_int(env, args.v[1], "offset", 0, (int64_t)n_data, &offset) ||
        !sn_get_int(env, args.v[2], "size", 0, (int64_t)n_data - offset, &size)) {
        return NULL;
    }
    if (!stream->stream) {
        return sn_int(env, -EBADF);
    }
    return write_range(stream, (const char *)data + offset, (size_t)size, false);
}

/*
 * writeAll(bytes, tells): the same for all of a small chunk behind little else; -EAGAIN when it is
 * not that, and nothing was written. With `tells` the drain callback is called when everything was
 * taken, unless 0 was returned.
 */
static napi_value write_all(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    const void *data;
    size_t size;
    bool tells;

    if (!stream || !sn_get_bytes(env, args.v[0], "bytes", &data, &size) ||
        !sn_get_bool(env, args.v[1], "tells", &tells)) {
        return NULL;
    }
    if (!stream->stream) {
        return sn_int(env, -EBADF);
    }
    if (size > SHORT_MAX || sunpath_stream_n_queued(stream->stream) > SHORT_MAX - size) {
        return sn_int(env, -EAGAIN);
    }
    return write_range(stream, data, size, tells);
}

/* tellDrain(): true when everything was taken already; else the drain callback will say so. */
static napi_value tell_drain(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);
    bool is_drained;

    if (!stream) {
        return NULL;
    }
    is_drained = !stream->stream || stream->is_over || !stream->is_sending;
    stream->tells_drain = stream->tells_drain || !is_drained;
    return sn_bool(env, is_drained);
}

static napi_value queued(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);

    if (!stream) {
        return NULL;
    }
    return sn_int(env, stream->stream ? (int64_t)sunpath_stream_n_queued(stream->stream) : 0);
}

/* end(): end of file for the peer, behind everything that was written. */
static napi_value end(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_stream *stream = stream_of(&args, env, info);

    if (stream && stream->stream) {
        sunpath_stream_end(stream->stream);
        sn_env_touch(stream->object.own);
    }
    return NULL;
}

bool sn_stream_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"slot", get_slot},        {"fd", get_fd},          {"close", sn_object_call_close},
        {"takeFd", take_fd},       {"hasInput", has_input}, {"setRef", sn_object_call_set_ref},
        {"read", set_reading},     {"write", write_part},   {"writeAll", write_all},
        {"tellDrain", tell_drain}, {"queued", queued},      {"end", end},
    };

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
