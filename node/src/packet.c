/* SPDX-License-Identifier: MIT */
/* packet.c - class Packet: a packet socket as plain calls, for lib/packet.js; nothing is queued
 * here. */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "addon.h"
#include "object.h"

/*
 * It is active, and so held by nobody but itself, while it is watched and something may still
 * happen; a watched one that may be forgotten is collected, and closed, as all the others are.
 */
struct packet {
    struct sn_object object;
    napi_ref on_event;
    struct sunpath_watch *watch; /* NULL: not watched */
    int fd;                      /* -1: closed */
    enum sunpath_type type;
    size_t n_sender;
    char sender[sizeof(struct sockaddr_un)]; /* of the last message, or connection */
};

/* ---- its life -------------------------------------------------------------------------------- */

static void close_packet(struct sn_object *object) {
    struct packet *packet = (struct packet *)object;

    packet->watch = sunpath_watch_close(packet->watch);
    if (packet->fd >= 0) {
        close(packet->fd);
        packet->fd = -1;
    }
    if (object->own) {
        napi_delete_reference(object->own->env, packet->on_event);
    }
}

static const struct sn_class class = {.name = "Packet", .close = close_packet};

static void on_event(struct sunpath_watch *watch, unsigned events, void *user) {
    struct packet *packet = user;
    struct sn_env *own = packet->object.own;
    napi_value self, function = NULL, argument;
    napi_handle_scope scope;

    (void)watch;
    if (napi_open_handle_scope(own->env, &scope) != napi_ok) {
        return;
    }
    self = sn_object_value(&packet->object);
    napi_get_reference_value(own->env, packet->on_event, &function);
    if (self && function) {
        argument = sn_int(own->env, events);
        sn_env_call(own, packet->object.context, self, function, 1, &argument);
    }
    napi_close_handle_scope(own->env, scope);
}

/* ---- being called ---------------------------------------------------------------------------- */

/* The object a method was called on, open; or NULL with an error thrown. */
static struct packet *begin(struct sn_args *args, napi_env env, napi_callback_info info) {
    struct packet *packet;

    sn_args_read(args, env, info);
    packet = sn_object_of(args, &class);
    if (packet && packet->fd < 0) {
        sn_fail(env, -EBADF, "packet", NULL, NULL);
        return NULL;
    }
    return packet;
}

/* What is done is done: 0 or more, or a negative errno. */
static napi_value result(napi_env env, ssize_t r) {
    return sn_int(env, r < 0 ? -errno : r);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* A path, or a NUL and an abstract name. */
static bool get_name(napi_env env, napi_value value, const char *name,
                     struct sunpath_address *ret) {
    char text[sizeof(ret->name)];
    size_t size;
    bool is_abstract;

    if (napi_get_value_string_utf8(env, value, text, sizeof(text), &size) != napi_ok) {
        return sn_fail_type(env, name, "a string");
    }
    is_abstract = size > 0 && text[0] == '\0';
    memset(ret, 0, offsetof(struct sunpath_address, name));
    ret->uri = NULL;
    ret->kind = is_abstract ? SUNPATH_ADDRESS_ABSTRACT : SUNPATH_ADDRESS_PATH;
    ret->n_name = size - is_abstract;
    memcpy(ret->name, text + is_abstract, ret->n_name);
    ret->name[ret->n_name] = '\0';
    return true;
}

/* For the kernel; *ret_size is a negative errno when it is no name of a socket. */
static bool get_sockaddr(napi_env env, napi_value value, struct sockaddr_un *ret, int *ret_size) {
    struct sunpath_address address;

    if (!get_name(env, value, "name", &address)) {
        return false;
    }
    *ret_size = address.n_name == 0 ? -EINVAL : sunpath_address_to_sockaddr(&address, ret);
    return true;
}

/* "": it has none. */
static napi_value name_value(napi_env env, const struct sockaddr_un *un, socklen_t size) {
    struct sunpath_address address;
    char text[sizeof(un->sun_path) + 1];
    bool is_abstract;

    if (sunpath_address_from_sockaddr(&address, un, size, SUNPATH_SEQPACKET) < 0) {
        return sn_string(env, "");
    }
    is_abstract = address.kind == SUNPATH_ADDRESS_ABSTRACT;
    text[0] = '\0';
    memcpy(text + is_abstract, address.name, address.n_name);
    return sn_string_n(env, text, address.n_name + is_abstract);
}

static napi_value get_address(napi_env env, napi_callback_info info) {
    struct sockaddr_un un;
    socklen_t size = sizeof(un);
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);

    if (!packet) {
        return NULL;
    }
    if (getsockname(packet->fd, (struct sockaddr *)&un, &size) < 0) {
        return sn_fail(env, -errno, "getsockname", NULL, NULL);
    }
    return name_value(env, &un, size);
}

static napi_value get_sender(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);

    return packet ? sn_string_n(env, packet->sender, packet->n_sender) : NULL;
}

static void set_sender(struct packet *packet, const struct sunpath_address *address) {
    bool is_abstract = address && address->kind == SUNPATH_ADDRESS_ABSTRACT;

    packet->n_sender = 0;
    if (address && address->n_name + is_abstract <= sizeof(packet->sender)) {
        packet->sender[0] = '\0';
        memcpy(packet->sender + is_abstract, address->name, address->n_name);
        packet->n_sender = address->n_name + is_abstract;
    }
}

static napi_value call_bind(napi_env env, napi_callback_info info) {
    struct sockaddr_un un;
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    int size;

    if (!packet || !get_sockaddr(env, args.v[0], &un, &size)) {
        return NULL;
    }
    return size < 0 ? sn_int(env, size)
                    : result(env, bind(packet->fd, (struct sockaddr *)&un, (socklen_t)size));
}

static napi_value call_connect(napi_env env, napi_callback_info info) {
    struct sockaddr_un un;
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    int size, r;

    if (!packet || !get_sockaddr(env, args.v[0], &un, &size)) {
        return NULL;
    }
    if (size < 0) {
        return sn_int(env, size == -EINVAL ? -ECONNREFUSED : size);
    }
    r = connect(packet->fd, (struct sockaddr *)&un, (socklen_t)size);
    if (r == 0 && packet->type == SUNPATH_SEQPACKET) {
        sunpath_want_credentials(packet->fd, true); /* they tell an empty packet from the end */
    }
    return result(env, r);
}

/* ---- server ---------------------------------------------------------------------------------- */

static napi_value call_listen(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    int64_t backlog;

    if (!packet || !sn_get_int(env, args.v[0], "backlog", INT32_MIN, INT32_MAX, &backlog)) {
        return NULL;
    }
    sunpath_want_credentials(packet->fd, true); /* connections inherit it */
    return result(env, listen(packet->fd, (int)backlog));
}

/* accept() -> a descriptor, or a negative errno. */
static napi_value call_accept(napi_env env, napi_callback_info info) {
    struct sunpath_address address;
    struct sockaddr_un un;
    socklen_t size = sizeof(un);
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    int fd;

    if (!packet) {
        return NULL;
    }
    do {
        fd = accept4(packet->fd, (struct sockaddr *)&un, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd >= 0) {
        bool is_named = sunpath_address_from_sockaddr(&address, &un, size, packet->type) == 0;

        set_sender(packet, is_named ? &address : NULL);
    }
    return result(env, fd);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* send(bytes, to?) -> 0, or a negative errno. */
static napi_value call_send(napi_env env, napi_callback_info info) {
    struct sunpath_send_options options = SUNPATH_OPTIONS(struct sunpath_send_options);
    struct sunpath_address to;
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    const void *data;
    size_t size;
    ssize_t n;

    if (!packet || !sn_get_bytes(env, args.v[0], "data", &data, &size)) {
        return NULL;
    }
    if (sn_is_given(env, args.v[1])) {
        if (!get_name(env, args.v[1], "to", &to)) {
            return NULL;
        }
        options.to = &to;
    }
    n = sunpath_send(packet->fd, data, size, &options);
    return sn_int(env, n < 0 ? n : 0);
}

/*
 * receive(buffer) -> the size of the message, which is more than the buffer's when it did not fit;
 * null at the end; a negative errno.
 */
static napi_value call_receive(napi_env env, napi_callback_info info) {
    struct sunpath_address sender;
    struct sunpath_message message = {.sender = NULL};
    const void *data;
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    napi_value end;
    int r;

    if (!packet || !sn_get_bytes(env, args.v[0], "buffer", &data, &message.n_data)) {
        return NULL;
    }
    message.data = (void *)data;
    message.sender = packet->type == SUNPATH_DGRAM ? &sender : NULL;
    r = sunpath_receive(packet->fd, &message);
    if (r == -ETOOMANYREFS) {
        r = 1; /* descriptors, which nobody takes here: they are closed */
    }
    if (r == 0) {
        napi_get_null(env, &end);
        return end;
    }
    if (packet->type == SUNPATH_DGRAM) {
        set_sender(packet, message.has_sender ? &sender : NULL);
    }
    return sn_int(env, r == 1 || r == -EMSGSIZE ? (int64_t)message.size : r);
}

static napi_value call_end(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);

    return packet ? sn_int(env, sunpath_end(packet->fd)) : NULL;
}

/* ---- watching -------------------------------------------------------------------------------- */

static int set_watch(struct packet *packet, unsigned events) {
    if (events == 0) {
        packet->watch = sunpath_watch_close(packet->watch);
        return 0;
    }
    if (packet->watch) {
        return sunpath_watch_set(packet->watch, events);
    }
    return sunpath_watch_open(&packet->watch, packet->object.own->loop, packet->fd, events,
                              on_event, packet);
}

/* watch(events, mayBeForgotten?) */
static napi_value call_watch(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    bool may_be_forgotten = false;
    int64_t events;
    int r;

    if (!packet || !sn_get_int(env, args.v[0], "events", 0, 7, &events) ||
        (sn_is_given(env, args.v[1]) &&
         !sn_get_bool(env, args.v[1], "mayBeForgotten", &may_be_forgotten))) {
        return NULL;
    }
    r = set_watch(packet, (unsigned)events);
    sn_object_set_active(&packet->object, packet->watch && !may_be_forgotten);
    return sn_int(env, r);
}

static napi_value has_ref(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet;

    sn_args_read(&args, env, info);
    packet = sn_object_of(&args, &class);
    return packet ? sn_bool(env, !packet->object.is_unrefd) : NULL;
}

/* ---- options --------------------------------------------------------------------------------- */

static int get_option(int fd, int option) {
    socklen_t size = sizeof(int);
    int value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -errno : value;
}

/* error() -> why it failed, as a negative errno, or 0; asked once. */
static napi_value get_error(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);

    return packet ? sn_int(env, -abs(get_option(packet->fd, SO_ERROR))) : NULL;
}

/* Has the send buffer room? (Whether a receiver's queue has is another question.) */
static napi_value is_writable(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    struct pollfd state = {.events = POLLOUT};

    if (!packet) {
        return NULL;
    }
    state.fd = packet->fd;
    return sn_bool(env, poll(&state, 1, 0) == 1 && state.revents & POLLOUT);
}

/* buffer(isSend, size?) -> its size, or a negative errno. */
static napi_value call_buffer(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct packet *packet = begin(&args, env, info);
    bool is_send;
    int64_t size;
    int option, value;

    if (!packet || !sn_get_bool(env, args.v[0], "isSend", &is_send)) {
        return NULL;
    }
    option = is_send ? SO_SNDBUF : SO_RCVBUF;
    if (!sn_is_given(env, args.v[1])) {
        return sn_int(env, get_option(packet->fd, option));
    }
    if (!sn_get_int(env, args.v[1], "size", 0, INT32_MAX, &size)) {
        return NULL;
    }
    value = (int)size;
    return result(env, setsockopt(packet->fd, SOL_SOCKET, option, &value, sizeof(value)));
}

/* ---- the class ------------------------------------------------------------------------------- */

/* A socket of that type that is ours from now on. */
static int adopt(int fd, enum sunpath_type type) {
    int is = get_option(fd, SO_TYPE);

    if (is < 0) {
        return is;
    }
    if (is != (int)type || get_option(fd, SO_DOMAIN) != AF_UNIX) {
        return -EPROTOTYPE;
    }
    if (type == SUNPATH_SEQPACKET) {
        sunpath_want_credentials(fd, true);
    }
    return sunpath_adopt(fd);
}

static int open_socket(struct packet *packet, int fd) {
    int r = fd >= 0 ? adopt(fd, packet->type) : 0;

    if (r < 0) {
        return r;
    }
    packet->fd =
        fd >= 0 ? fd : socket(AF_UNIX, (int)packet->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return packet->fd < 0 ? -errno : 0;
}

static napi_value open_packet(const struct sn_args *args, enum sunpath_type type, int fd) {
    struct packet *packet = calloc(1, sizeof(*packet));
    int r;

    if (!packet) {
        return sn_fail(args->env, -ENOMEM, "malloc", NULL, NULL);
    }
    packet->type = type;
    packet->fd = -1;
    r = open_socket(packet, fd);
    if (r < 0) {
        free(packet);
        return sn_fail(args->env, r, "socket", NULL, NULL);
    }
    if (!sn_object_wrap(&packet->object, &class, args)) {
        return NULL;
    }
    if (napi_create_reference(args->env, args->v[2], 1, &packet->on_event) != napi_ok) {
        sn_object_close(&packet->object);
    }
    return args->this_value;
}

/* new Packet(type, fd | undefined, onEvent) */
static napi_value construct(napi_env env, napi_callback_info info) {
    int64_t type, fd = -1;
    struct sn_args args;

    if (!sn_args_read_new(&args, env, info) ||
        !sn_get_int(env, args.v[0], "type", SUNPATH_DGRAM, SUNPATH_SEQPACKET, &type) ||
        (sn_is_given(env, args.v[1]) && !sn_get_int(env, args.v[1], "fd", 0, INT32_MAX, &fd)) ||
        (!sn_is_function(env, args.v[2]) && !sn_fail_type(env, "onEvent", "a function"))) {
        return NULL;
    }
    return sn_env_loop(sn_env_of(env)) ? open_packet(&args, (enum sunpath_type)type, (int)fd)
                                       : NULL;
}

bool sn_packet_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"bind", call_bind},         {"connect", call_connect},
        {"listen", call_listen},     {"accept", call_accept},
        {"send", call_send},         {"receive", call_receive},
        {"sender", get_sender},      {"end", call_end},
        {"watch", call_watch},       {"setRef", sn_object_call_set_ref},
        {"hasRef", has_ref},         {"close", sn_object_call_close},
        {"error", get_error},        {"buffer", call_buffer},
        {"isWritable", is_writable}, {"address", get_address},
    };

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
