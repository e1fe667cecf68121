/* SPDX-License-Identifier: MIT */
/* channel.c - class Channel: the messages behind a MessageSocket. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sunpath/channel.h>

#include "addon.h"
#include "descriptor.h"
#include "listener-options.h"
#include "object.h"

struct sn_channel {
    struct sn_object object;
    struct sunpath_channel *channel; /* NULL once closed */
    struct sunpath_access *access;   /* of one that is bound */
    size_t n_pending;                /* messages the kernel has not taken yet */
    bool is_reading;                 /* JavaScript wants messages */
    bool has_ended_in, is_over, is_closing;
    bool wants_info;  /* not the bytes alone */
    bool tells_drain; /* JavaScript waits until nothing is pending, or little */
};

static void update(struct sn_channel *channel) {
    bool reads = channel->is_reading && !channel->has_ended_in;

    sn_object_set_active(&channel->object, !channel->is_over && channel->channel &&
                                               (reads || channel->n_pending > 0));
}

/* ---- what arrives ---------------------------------------------------------------------------- */

static napi_value take_fds(struct sn_env *own, struct sunpath_channel_message *message) {
    napi_value list, made;

    napi_create_array_with_length(own->env, message->n_fds, &list);
    for (size_t i = 0; i < message->n_fds; i++) {
        made = sn_descriptor_new(own, message->fds[i]);
        message->fds[i] = -1; /* closed, when that failed */
        if (made) {
            napi_set_element(own->env, list, (uint32_t)i, made);
        }
    }
    return list;
}

static napi_value describe_sender(napi_env env, const struct sunpath_address *sender) {
    char text[4 * SUNPATH_NAME_MAX + 64];

    if (!sender) {
        return sn_undefined(env);
    }
    sunpath_address_format(text, sizeof(text), sender);
    return sn_string(env, text);
}

static napi_value describe_credentials(napi_env env, const struct sunpath_credentials *who) {
    napi_value made;

    if (!who) {
        return sn_undefined(env);
    }
    made = sn_object(env);
    sn_set(env, made, "pid", sn_int(env, who->pid));
    sn_set(env, made, "uid", sn_int(env, who->uid));
    sn_set(env, made, "gid", sn_int(env, who->gid));
    return made;
}

static void on_message(struct sunpath_channel *from, struct sunpath_channel_message *message,
                       void *user) {
    struct sn_channel *channel = user;
    struct sn_env *own = channel->object.own;
    napi_value arguments[6];
    napi_handle_scope scope;
    size_t offset = 0;

    (void)from;
    if (napi_open_handle_scope(own->env, &scope) != napi_ok) {
        return;
    }
    if (sn_env_store(own, message->data, message->size, &arguments[0], &offset)) {
        napi_create_uint32(own->env, (uint32_t)offset, &arguments[1]);
        napi_create_uint32(own->env, (uint32_t)message->size, &arguments[2]);
        if (channel->wants_info) {
            arguments[3] = take_fds(own, message);
            arguments[4] = describe_sender(own->env, message->sender);
            arguments[5] = describe_credentials(own->env, message->credentials);
        }
        sn_object_tell(&channel->object, SN_CHANNEL_MESSAGE, channel->wants_info ? 6 : 3,
                       arguments);
    }
    napi_close_handle_scope(own->env, scope);
}

static napi_value error_of(struct sn_channel *channel, const struct sunpath_error *error,
                           const char *call) {
    return sn_make_error(channel->object.own->env, error->code, call, NULL, error);
}

static void on_lost(struct sunpath_channel *from, const struct sunpath_error *error, void *user) {
    struct sn_channel *channel = user;
    napi_value made = error_of(channel, error, "receive");

    (void)from;
    sn_object_tell(&channel->object, SN_CHANNEL_LOST, 1, &made);
}

static void on_end(struct sunpath_channel *from, void *user) {
    struct sn_channel *channel = user;

    (void)from;
    channel->has_ended_in = true;
    sn_object_tell(&channel->object, SN_CHANNEL_END, 0, NULL);
    update(channel);
}

static void tell_drained(struct sn_channel *channel) {
    if (channel->tells_drain && !channel->is_closing) {
        channel->tells_drain = false;
        sn_object_tell(&channel->object, SN_CHANNEL_DRAIN, 0, NULL);
    }
    update(channel);
}

static void on_drain(struct sunpath_channel *from, void *user) {
    (void)from;
    tell_drained(user);
}

static void on_close(struct sunpath_channel *from, const struct sunpath_error *error, void *user) {
    struct sn_channel *channel = user;
    napi_value made;

    (void)from;
    channel->is_over = true;
    made = error ? error_of(channel, error, error->code == -EPIPE ? "write" : "read")
                 : sn_undefined(channel->object.own->env);
    sn_object_tell(&channel->object, SN_CHANNEL_CLOSE, 1, &made);
    update(channel);
}

static const struct sunpath_channel_events events = {.on_message = on_message,
                                                     .on_lost = on_lost,
                                                     .on_end = on_end,
                                                     .on_drain = on_drain,
                                                     .on_close = on_close};

/* ---- what was sent --------------------------------------------------------------------------- */

/* One less; it may come behind on_drain. */
static void settle(struct sn_channel *channel) {
    if (--channel->n_pending == 0) {
        tell_drained(channel);
    }
}

/* Somebody waits for this one. What is left when it closes is settled by lib/. */
static void on_sent_told(struct sunpath_channel *from, int error, void *user) {
    struct sn_channel *channel = user;
    napi_value code;

    (void)from;
    if (!channel->is_closing) {
        code = sn_int(channel->object.own->env, error);
        sn_object_tell(&channel->object, SN_CHANNEL_SENT, 1, &code);
    }
    settle(channel);
}

/* Nobody does: only a failure is told. */
static void on_sent(struct sunpath_channel *from, int error, void *user) {
    struct sn_channel *channel = user;
    napi_value made;

    (void)from;
    if (error < 0 && !channel->is_closing) {
        made = sn_make_error(channel->object.own->env, error, "send", NULL, NULL);
        sn_object_tell(&channel->object, SN_CHANNEL_LOST, 1, &made);
    }
    settle(channel);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void close_channel(struct sn_object *object) {
    struct sn_channel *channel = (struct sn_channel *)object;

    channel->is_closing = true;
    channel->channel = sunpath_channel_close(channel->channel);
    channel->access = sunpath_access_free(channel->access);
}

static const struct sn_class class = {.name = "Channel", .close = close_channel};

static bool read_framing(napi_env env, napi_value options, enum sunpath_framing *ret) {
    _cleanup_(sn_freep) char *name = NULL;

    if (!sn_option_string(env, options, "framing", &name)) {
        return false;
    }
    return !name || sunpath_framing_parse(ret, name) == 0 ||
           sn_fail_value(env, "framing", "is no framing");
}

/* { framing, dropCr, maxMessage, maxQueue, idle, maxFds, credentials, info } */
static bool read_options(napi_env env, napi_value options, struct sunpath_channel_options *ret,
                         bool *ret_info) {
    int64_t max_message = 0, max_queue = 0, idle = 0, max_fds = 0;

    if (!read_framing(env, options, &ret->framing) ||
        !sn_option_bool(env, options, "dropCr", &ret->drop_cr) ||
        !sn_option_bool(env, options, "credentials", &ret->want_credentials) ||
        !sn_option_bool(env, options, "info", ret_info) ||
        !sn_option_int(env, options, "maxMessage", 0, INT32_MAX, &max_message) ||
        !sn_option_int(env, options, "maxQueue", 0, INT32_MAX, &max_queue) ||
        !sn_option_int(env, options, "idle", 0, INT32_MAX, &idle) ||
        !sn_option_int(env, options, "maxFds", 0, SUNPATH_FDS_MAX, &max_fds)) {
        return false;
    }
    ret->max_message = (size_t)max_message;
    ret->max_queue = (size_t)max_queue;
    ret->idle_ms = (int)idle;
    ret->max_fds = (size_t)max_fds;
    return true;
}

/* What was opened is tied to `this`. Pauses until somebody asks. */
static napi_value finish_opening(struct sn_channel *channel, const struct sn_args *args) {
    sunpath_channel_pause(channel->channel);
    return sn_object_wrap(&channel->object, &class, args) ? args->this_value : NULL;
}

static napi_value open_bound(struct sn_channel *channel, const struct sn_args *args,
                             struct sunpath_loop *loop,
                             const struct sunpath_channel_options *options) {
    _cleanup_(sn_listen_options_deinit) struct sn_listen_options listen = {0};
    _cleanup_(sn_freep) char *address = NULL;
    struct sunpath_error error;
    int r;

    if (!sn_get_string(args->env, args->v[0], "address", &address) ||
        !sn_listen_options_read(args->env, args->v[2], &listen)) {
        free(channel);
        return NULL;
    }
    r = sunpath_channel_bind(&channel->channel, loop, address, &listen.listen, &events, channel,
                             options, &error);
    if (r < 0) {
        free(channel);
        return sn_fail(args->env, r, "bind", address, &error);
    }
    channel->access = listen.access;
    listen.access = NULL;
    return finish_opening(channel, args);
}

static napi_value open_connected(struct sn_channel *channel, const struct sn_args *args,
                                 struct sunpath_loop *loop,
                                 const struct sunpath_channel_options *options) {
    struct sn_given_fd given;
    int r;

    if (!sn_descriptor_read(args->env, args->v[0], &given)) {
        free(channel);
        return NULL;
    }
    r = sunpath_channel_open(&channel->channel, loop, given.fd, &events, channel, options);
    if (r < 0) {
        free(channel);
        return sn_fail(args->env, r, "open", NULL, NULL);
    }
    sn_descriptor_taken(&given);
    return finish_opening(channel, args);
}

/*
 * new Channel(fd or Descriptor, options): owns the connected socket from here on, unless it throws;
 * new Channel(address, options, listenOptions): a datagram socket at that address.
 */
static napi_value construct(napi_env env, napi_callback_info info) {
    struct sunpath_channel_options options = SUNPATH_OPTIONS(struct sunpath_channel_options);
    struct sunpath_loop *loop;
    struct sn_channel *channel;
    bool wants_info = false;
    napi_valuetype type;
    struct sn_args args;

    if (!sn_args_read_new(&args, env, info) ||
        !read_options(env, args.v[1], &options, &wants_info)) {
        return NULL;
    }
    loop = sn_env_loop(sn_env_of(env));
    channel = loop ? calloc(1, sizeof(*channel)) : NULL;
    if (!channel) {
        return loop ? sn_fail(env, -ENOMEM, "malloc", NULL, NULL) : NULL;
    }
    channel->wants_info = wants_info;
    napi_typeof(env, args.v[0], &type);
    return (type == napi_string ? open_bound : open_connected)(channel, &args, loop, &options);
}

static struct sn_channel *channel_of(struct sn_args *args, napi_env env, napi_callback_info info) {
    sn_args_read(args, env, info);
    return sn_object_of(args, &class);
}

/* type(): "stream", "seqpacket" or "dgram" */
static napi_value get_type(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);
    enum sunpath_type type;

    if (!channel || !channel->channel) {
        return NULL;
    }
    type = sunpath_channel_type(channel->channel);
    return sn_string(env, type == SUNPATH_SEQPACKET ? "seqpacket"
                          : type == SUNPATH_DGRAM   ? "dgram"
                                                    : "stream");
}

/* fd(): -1 once it is closed */
static napi_value get_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);

    return channel ? sn_int(env, channel->channel ? sunpath_channel_fd(channel->channel) : -1)
                   : NULL;
}

/* read(wants): messages are told while it is true. */
static napi_value set_reading(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);
    bool wants;

    if (!channel || !sn_get_bool(env, args.v[0], "wants", &wants) || !channel->channel) {
        return NULL;
    }
    channel->is_reading = wants;
    (wants ? sunpath_channel_resume : sunpath_channel_pause)(channel->channel);
    sn_env_touch(channel->object.own);
    update(channel);
    return NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* An array of numbers. */
static bool read_fds(napi_env env, napi_value list, int fds[SUNPATH_FDS_MAX], size_t *ret) {
    uint32_t n;

    if (napi_get_array_length(env, list, &n) != napi_ok) {
        return sn_fail_type(env, "fds", "an array");
    }
    if (n > SUNPATH_FDS_MAX) {
        return sn_fail_range(env, "fds.length", "at most 253");
    }
    for (uint32_t i = 0; i < n; i++) {
        napi_value item = NULL;
        int64_t fd;

        napi_get_element(env, list, i, &item);
        if (!item || !sn_get_int(env, item, "fds[i]", 0, INT32_MAX, &fd)) {
            return false;
        }
        fds[i] = (int)fd;
    }
    *ret = n;
    return true;
}

/* false: thrown, or *ret_r says why it is no place to send to. */
static bool read_to(napi_env env, napi_value value, struct sunpath_address *ret, int *ret_r) {
    _cleanup_(sn_freep) char *text = NULL;
    struct sunpath_error error;

    if (!sn_get_string(env, value, "to", &text)) {
        return false;
    }
    *ret_r = sunpath_address_parse(ret, text, &error);
    if (*ret_r < 0) {
        sn_fail(env, *ret_r, "parse", text, &error);
    }
    return *ret_r == 0;
}

static napi_value put(struct sn_channel *channel, const void *data, size_t size,
                      const struct sunpath_channel_send_options *options) {
    struct sn_env *own = channel->object.own;
    int r;

    if (!channel->channel || channel->is_over) {
        return sn_int(own->env, -EPIPE);
    }
    r = sunpath_channel_send(channel->channel, data, size, options);
    if (r < 0) {
        return sn_int(own->env, r);
    }
    channel->n_pending++;
    channel->tells_drain = channel->tells_drain || r == 1;
    sn_env_touch(own);
    update(channel);
    return sn_int(own->env, r == 1 ? INT32_MAX : (int64_t)channel->n_pending);
}

/*
 * send(bytes, isTold, fds?, to?): how many messages are pending then (very many: the queue is at
 * its high mark, and the drain callback will be called), or a negative errno, and nothing was
 * queued. `isTold`: the sent callback is called when the kernel took it, or did not.
 */
static napi_value send_message(napi_env env, napi_callback_info info) {
    struct sunpath_channel_send_options options =
        SUNPATH_OPTIONS(struct sunpath_channel_send_options);
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);
    int fds[SUNPATH_FDS_MAX];
    struct sunpath_address to;
    const void *data;
    bool is_told;
    size_t size;
    int r;

    /* the bytes last: an array may run JavaScript, which may take them away */
    if (!channel || !sn_get_bool(env, args.v[1], "isTold", &is_told) ||
        (sn_is_given(env, args.v[2]) && !read_fds(env, args.v[2], fds, &options.n_fds)) ||
        (sn_is_given(env, args.v[3]) && !read_to(env, args.v[3], &to, &r)) ||
        !sn_get_bytes(env, args.v[0], "data", &data, &size)) {
        return NULL;
    }
    options.fds = fds;
    options.to = sn_is_given(env, args.v[3]) ? &to : NULL;
    options.on_sent = is_told ? on_sent_told : on_sent;
    options.user = channel;
    return put(channel, data, size, &options);
}

/* tellDrain(): true when nothing is pending; else the drain callback will say so. */
static napi_value tell_drain(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);
    bool is_drained;

    if (!channel) {
        return NULL;
    }
    is_drained = !channel->channel || channel->is_over || channel->n_pending == 0;
    channel->tells_drain = channel->tells_drain || !is_drained;
    return sn_bool(env, is_drained);
}

/* pending(): messages that the kernel has not taken yet */
static napi_value pending(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);

    return channel ? sn_int(env, (int64_t)channel->n_pending) : NULL;
}

/* maxMessage(): of what can be sent */
static napi_value max_message(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);

    return channel ? sn_int(env, channel->channel
                                     ? (int64_t)sunpath_channel_max_message(channel->channel)
                                     : 0)
                   : NULL;
}

/* end(): the end for the peer, behind everything that was sent. */
static napi_value end(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_channel *channel = channel_of(&args, env, info);

    if (channel && channel->channel && !channel->is_over) {
        sunpath_channel_end(channel->channel);
        sn_env_touch(channel->object.own);
    }
    return NULL;
}

bool sn_channel_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"type", get_type},
        {"fd", get_fd},
        {"close", sn_object_call_close},
        {"setRef", sn_object_call_set_ref},
        {"read", set_reading},
        {"send", send_message},
        {"tellDrain", tell_drain},
        {"pending", pending},
        {"maxMessage", max_message},
        {"end", end},
    };

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
