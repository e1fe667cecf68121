/* SPDX-License-Identifier: MIT */
/* connect.c - connectNow(), which never waits, and class Connecting, which does so elsewhere. */

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sunpath/connection.h>

#include "addon.h"
#include "descriptor.h"
#include "object.h"
#include "work.h"

#define BUFFER_MAX (1 << 30)

struct connect_call {
    struct sunpath_connect_options options;
    char *address, *expect_user, *bind;
};

static void deinit_call(struct connect_call *call) {
    free(call->address);
    free(call->expect_user);
    free(call->bind);
}

/* (address, { type, timeout, wait, expectUser, bind, sendBuffer, receiveBuffer }) */
static bool read_call(const struct sn_args *args, struct connect_call *ret) {
    int64_t type = 0, timeout_ms = 0, send_buffer = 0, receive_buffer = 0;
    napi_env env = args->env;
    napi_value options = args->v[1];

    ret->options = SUNPATH_OPTIONS(struct sunpath_connect_options);
    if (!sn_get_string(env, args->v[0], "address", &ret->address) ||
        !sn_option_int(env, options, "type", 0, SUNPATH_SEQPACKET, &type) ||
        !sn_option_int(env, options, "timeout", -1, INT32_MAX, &timeout_ms) ||
        !sn_option_bool(env, options, "wait", &ret->options.wait) ||
        !sn_option_string(env, options, "expectUser", &ret->expect_user) ||
        !sn_option_string(env, options, "bind", &ret->bind) ||
        !sn_option_int(env, options, "sendBuffer", 0, BUFFER_MAX, &send_buffer) ||
        !sn_option_int(env, options, "receiveBuffer", 0, BUFFER_MAX, &receive_buffer)) {
        return false;
    }
    ret->options.type = (enum sunpath_type)type;
    ret->options.timeout_ms = (int)timeout_ms;
    ret->options.expect_user = ret->expect_user;
    ret->options.bind = ret->bind;
    ret->options.send_buffer = (int)send_buffer;
    ret->options.receive_buffer = (int)receive_buffer;
    return true;
}

/* connectNow(address, options): the Descriptor, or a negative errno */
napi_value sn_connect_now(napi_env env, napi_callback_info info) {
    _cleanup_(deinit_call) struct connect_call call = {0};
    struct sn_args args;
    int fd, r;

    sn_args_read(&args, env, info);
    if (!read_call(&args, &call)) {
        return NULL;
    }
    call.options.wait = false;
    call.options.no_wait = true;
    r = sunpath_connect(&fd, call.address, &call.options, NULL);
    return r < 0 ? sn_int(env, r) : sn_descriptor_new(sn_env_of(env), fd);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

struct sn_connecting {
    struct sn_object object;
    int cancel_fd; /* shared with the other thread while that runs */
    bool is_running;
};

struct connecting_work {
    struct sn_work work;
    struct connect_call call;
    struct sn_connecting *connecting;
    int cancel_fd, fd, r;
    struct sunpath_error error;
};

static void close_connecting(struct sn_object *object) {
    struct sn_connecting *connecting = (struct sn_connecting *)object;
    uint64_t one = 1;

    if (connecting->is_running &&
        write(connecting->cancel_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        return; /* it cannot fail: the counter was 0 */
    }
    if (!connecting->is_running && connecting->cancel_fd >= 0) {
        close(connecting->cancel_fd);
        connecting->cancel_fd = -1;
    }
}

static const struct sn_class class = {.name = "Connecting", .close = close_connecting};

static void run(struct sn_work *work) {
    struct connecting_work *call = (struct connecting_work *)work;

    call->r = sunpath_connect(&call->fd, call->call.address, &call->call.options, &call->error);
}

static void finish(struct sn_work *work, bool is_ending) {
    struct connecting_work *call = (struct connecting_work *)work;
    struct sn_connecting *connecting = call->connecting;
    napi_env env = work->own->env;
    napi_value arguments[2];

    connecting->is_running = false;
    if (connecting->object.is_closed) {
        close_connecting(&connecting->object);
    } else {
        sn_object_close(&connecting->object);
    }
    if (is_ending) {
        if (call->r == 0) {
            close(call->fd);
        }
    } else {
        arguments[0] =
            call->r < 0 ? sn_make_error(env, call->r, "connect", call->call.address, &call->error)
                        : sn_undefined(env);
        arguments[1] = call->r < 0 ? sn_undefined(env) : sn_descriptor_new(work->own, call->fd);
        if (arguments[1]) {
            sn_work_tell(work, 2, arguments);
        }
    }
    deinit_call(&call->call);
}

static bool start(struct sn_connecting *connecting, struct sn_args *args) {
    struct connecting_work *call = calloc(1, sizeof(*call));

    if (!call) {
        sn_fail(args->env, -ENOMEM, "malloc", NULL, NULL);
        return false;
    }
    call->work.run = run;
    call->work.finish = finish;
    call->connecting = connecting;
    call->cancel_fd = connecting->cancel_fd;
    call->fd = -1;
    if (!read_call(args, &call->call)) {
        deinit_call(&call->call);
        free(call);
        return false;
    }
    call->call.options.cancel_fd = &call->cancel_fd;
    connecting->is_running = true;
    if (!sn_work_start(&call->work, args->env, args->v[2], args->this_value)) {
        connecting->is_running = false;
        deinit_call(&call->call);
        free(call);
        return false;
    }
    return true;
}

/*
 * new Connecting(address, options, callback(error, descriptor)): connects in another thread.
 * cancel() makes it end soon, with ECANCELED as a rule; the callback is called in any case.
 */
static napi_value construct(napi_env env, napi_callback_info info) {
    struct sn_connecting *connecting;
    struct sn_args args;

    if (!sn_args_read_new(&args, env, info)) {
        return NULL;
    }
    connecting = calloc(1, sizeof(*connecting));
    if (!connecting) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    connecting->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (connecting->cancel_fd < 0) {
        free(connecting);
        return sn_fail(env, -errno, "eventfd", NULL, NULL);
    }
    if (!sn_object_wrap(&connecting->object, &class, &args)) {
        return NULL;
    }
    if (!start(connecting, &args)) {
        sn_object_close(&connecting->object);
        return NULL;
    }
    return args.this_value;
}

bool sn_connecting_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {{"cancel", sn_object_call_close}};

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
