/* SPDX-License-Identifier: MIT */
/* listener.c - class Listener: a published address, and the connections that come to it. */

#include <sunpath/listener.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addon.h"
#include "descriptor.h"
#include "listener-options.h"
#include "object.h"
#include "work.h"

#define ACCEPTS_PER_TURN 64
#define RETRY_MS         100 /* after running out of descriptors: the listener stays readable */

struct sn_listener {
    struct sn_object object;
    struct sunpath_listener *listener; /* NULL once closed */
    struct sunpath_access *access;
    struct sunpath_watch *watch;
    struct sunpath_timer *retry;
    bool is_accepting;
    bool is_busy; /* another thread hands it over, through `busy_fd` */
    int busy_fd;
};

/* ---- accepting ------------------------------------------------------------------------------- */

static void on_readable(struct sunpath_watch *watch, unsigned events, void *user);

/*
 * Not watched at all while it does not accept: a listener that was shut down hangs up for ever.
 * Without the means to watch it tries again in a while.
 */
static void watch(struct sn_listener *listener, bool wants) {
    if (!wants) {
        listener->watch = sunpath_watch_close(listener->watch);
    } else if (!listener->watch &&
               sunpath_watch_open(&listener->watch, listener->object.own->loop,
                                  sunpath_listener_fd(listener->listener), SUNPATH_READABLE,
                                  on_readable, listener) < 0) {
        sunpath_timer_set(listener->retry, RETRY_MS);
    }
    sn_env_touch(listener->object.own);
}

static void on_retry(struct sunpath_timer *timer, void *user) {
    struct sn_listener *listener = user;

    (void)timer;
    if (listener->listener) {
        watch(listener, listener->is_accepting && !listener->is_busy);
    }
}

/* False when there is no more for now. */
static bool accept_one(struct sn_listener *listener) {
    napi_value descriptor;
    int fd, r;

    if (!listener->is_accepting || !listener->listener || listener->is_busy) {
        return false;
    }
    r = sunpath_listener_accept(listener->listener, &fd);
    if (r == -ECONNABORTED || r == -EINTR) {
        return true;
    }
    if (r == -EAGAIN) {
        return false;
    }
    if (r < 0) {
        watch(listener, false);
        sunpath_timer_set(listener->retry, RETRY_MS);
        return false;
    }
    descriptor = sn_descriptor_new(listener->object.own, fd);
    if (descriptor) {
        sn_object_tell(&listener->object, SN_LISTENER_ACCEPT, 1, &descriptor);
    }
    return true;
}

static void on_readable(struct sunpath_watch *source, unsigned events, void *user) {
    struct sn_listener *listener = user;

    (void)source;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(listener); i++) {
    }
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void leave_loop(struct sn_listener *listener) {
    listener->watch = sunpath_watch_close(listener->watch);
    listener->retry = sunpath_timer_free(listener->retry);
}

/* While another thread has it, that thread's end closes it. */
static void close_listener(struct sn_object *object) {
    struct sn_listener *listener = (struct sn_listener *)object;

    leave_loop(listener);
    if (listener->is_busy) {
        shutdown(listener->busy_fd, SHUT_RDWR); /* which ends that thread's waiting */
    } else {
        listener->listener = sunpath_listener_close(listener->listener);
        listener->access = sunpath_access_free(listener->access);
    }
}

static const struct sn_class class = {.name = "Listener", .close = close_listener};

/* Frees it all when this fails. */
static napi_value finish_opening(struct sn_listener *listener, const struct sn_args *args) {
    struct sunpath_loop *loop = sn_env_loop(sn_env_of(args->env));
    int r = loop ? sunpath_timer_new(&listener->retry, loop, on_retry, listener) : 0;

    if (loop && r == 0) {
        return sn_object_wrap(&listener->object, &class, args) ? args->this_value : NULL;
    }
    close_listener(&listener->object);
    free(listener);
    return loop ? sn_fail(args->env, r, "listen", NULL, NULL) : NULL;
}

/* Publishes it. */
static napi_value open_at(struct sn_listener *listener, const struct sn_args *args) {
    _cleanup_(sn_listen_options_deinit) struct sn_listen_options options = {0};
    _cleanup_(sn_freep) char *address = NULL;
    struct sunpath_error error;
    int r;

    if (!sn_get_string(args->env, args->v[0], "address", &address) ||
        !sn_listen_options_read(args->env, args->v[1], &options)) {
        free(listener);
        return NULL;
    }
    r = sunpath_listener_open(&listener->listener, address, &options.listen, &error);
    if (r < 0) {
        free(listener);
        return sn_fail(args->env, r, "listen", address, &error);
    }
    listener->access = options.access;
    options.access = NULL;
    return finish_opening(listener, args);
}

/* What takeOver() got, until it is a Listener. */
struct taken {
    struct sunpath_listener *listener;
    struct sunpath_access *access;
};

static void free_taken(napi_env env, void *data, void *hint) {
    struct taken *taken = data;

    (void)env;
    (void)hint;
    sunpath_listener_close(taken->listener);
    sunpath_access_free(taken->access);
    free(taken);
}

static napi_value open_taken(struct sn_listener *listener, const struct sn_args *args) {
    struct taken *taken;
    void *data = NULL;

    napi_get_value_external(args->env, args->v[0], &data);
    taken = data;
    if (!taken || !taken->listener) {
        free(listener);
        sn_fail_type(args->env, "taken", "what takeOver() gave");
        return NULL;
    }
    listener->listener = taken->listener;
    listener->access = taken->access;
    *taken = (struct taken){0};
    return finish_opening(listener, args);
}

/* new Listener(address, options), or new Listener(taken) with what takeOver() gave. */
static napi_value construct(napi_env env, napi_callback_info info) {
    napi_valuetype type = napi_undefined;
    struct sn_listener *listener;
    struct sn_args args;

    if (!sn_args_read_new(&args, env, info)) {
        return NULL;
    }
    listener = calloc(1, sizeof(*listener));
    if (!listener) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    napi_typeof(env, args.v[0], &type);
    return (type == napi_external ? open_taken : open_at)(listener, &args);
}

static struct sn_listener *listener_of(struct sn_args *args, napi_env env,
                                       napi_callback_info info) {
    sn_args_read(args, env, info);
    return sn_object_of(args, &class);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* accept(wants): connections are told while it is true. */
static napi_value set_accepting(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);
    bool wants;

    if (!listener || !sn_get_bool(env, args.v[0], "wants", &wants) || !listener->listener) {
        return NULL;
    }
    listener->is_accepting = wants;
    watch(listener, wants && !listener->is_busy);
    return NULL;
}

/* listen(): it keeps itself, and the process, alive until it is closed. */
static napi_value listen_now(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);

    if (listener && listener->listener) {
        sn_object_set_active(&listener->object, true);
    }
    return NULL;
}

/* address(): what is published, in its canonical spelling; null once closed */
static napi_value get_address(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);
    char text[4 * SUNPATH_NAME_MAX + 64];

    if (!listener || !listener->listener) {
        return NULL;
    }
    sunpath_address_format(text, sizeof(text), sunpath_listener_address(listener->listener));
    return sn_string(env, text);
}

/* refused(): how many the access rules have turned away */
static napi_value n_refused(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);

    if (!listener) {
        return NULL;
    }
    return sn_int(env, listener->listener && !listener->is_busy
                           ? (int64_t)sunpath_listener_n_refused(listener->listener)
                           : 0);
}

static napi_value get_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);

    if (!listener) {
        return NULL;
    }
    return sn_int(env, listener->listener ? sunpath_listener_fd(listener->listener) : -1);
}

/* ---- handing over ---------------------------------------------------------------------------- */

struct hand_over {
    struct sn_work work;
    struct sn_listener *listener;
    int fd, timeout_ms, r;
    struct sunpath_error error;
};

static void run_hand_over(struct sn_work *work) {
    struct hand_over *call = (struct hand_over *)work;

    call->r = sunpath_listener_hand_over(call->listener->listener, call->fd, call->timeout_ms,
                                         &call->error);
}

static void finish_hand_over(struct sn_work *work, bool is_ending) {
    struct hand_over *call = (struct hand_over *)work;
    struct sn_listener *listener = call->listener;
    napi_value made;

    close(call->fd);
    listener->is_busy = false;
    if (listener->object.is_closed) {
        close_listener(&listener->object); /* it was closed meanwhile */
    } else {
        watch(listener, listener->is_accepting);
    }
    if (!is_ending) {
        made = call->r < 0 ? sn_make_error(work->own->env, call->r, "hand-over", NULL, &call->error)
                           : sn_undefined(work->own->env);
        sn_work_tell(work, 1, &made);
    }
}

/*
 * handOver(fd, timeout, callback(error)): gives the listener to the process at the other end of
 * `fd`, which is closed in any case, within so many milliseconds (-1: no limit).
 */
static napi_value hand_over(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_listener *listener = listener_of(&args, env, info);
    struct hand_over *call;
    int64_t fd, timeout_ms;

    if (!listener || !sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd) ||
        !sn_get_int(env, args.v[1], "timeout", -1, INT32_MAX, &timeout_ms)) {
        return NULL;
    }
    if (!listener->listener || listener->is_busy) {
        return sn_fail(env, listener->is_busy ? -EBUSY : -EBADF, "hand-over", NULL, NULL);
    }
    call = calloc(1, sizeof(*call));
    if (!call) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    call->work.run = run_hand_over;
    call->work.finish = finish_hand_over;
    call->listener = listener;
    call->fd = (int)fd;
    call->timeout_ms = (int)timeout_ms;
    if (!sn_work_start(&call->work, env, args.v[2], args.this_value)) {
        free(call);
        return NULL;
    }
    listener->is_busy = true;
    listener->busy_fd = (int)fd;
    watch(listener, false);
    return NULL;
}

struct take_over {
    struct sn_work work;
    struct sn_listen_options options;
    struct sunpath_listener *listener;
    int fd, timeout_ms, r;
    struct sunpath_error error;
};

static void run_take_over(struct sn_work *work) {
    struct take_over *call = (struct take_over *)work;

    call->r = sunpath_listener_take_over(&call->listener, call->fd, call->timeout_ms,
                                         &call->options.listen, &call->error);
}

/* An external with it, or NULL. */
static napi_value wrap_taken(struct take_over *call) {
    struct taken *taken = malloc(sizeof(*taken));
    napi_value made = NULL;

    if (!taken) {
        return NULL;
    }
    taken->listener = call->listener;
    taken->access = call->options.access;
    if (napi_create_external(call->work.own->env, taken, free_taken, NULL, &made) != napi_ok) {
        free(taken);
        return NULL;
    }
    call->listener = NULL;
    call->options.access = NULL;
    return made;
}

static void finish_take_over(struct sn_work *work, bool is_ending) {
    struct take_over *call = (struct take_over *)work;
    napi_env env = work->own->env;
    napi_value arguments[2];

    close(call->fd);
    if (!is_ending) {
        arguments[1] = call->r == 0 ? wrap_taken(call) : sn_undefined(env);
        if (call->r == 0 && !arguments[1]) {
            call->r = -ENOMEM;
            arguments[1] = sn_undefined(env);
        }
        arguments[0] = call->r < 0 ? sn_make_error(env, call->r, "take-over", NULL, &call->error)
                                   : sn_undefined(env);
        sn_work_tell(work, 2, arguments);
    }
    sunpath_listener_close(call->listener);
    sn_listen_options_deinit(&call->options);
}

/*
 * takeOver(fd, timeout, options, callback(error, taken)): what handOver() gives at the other end of
 * `fd`, which is closed in any case; new Listener(taken) makes one of it.
 */
napi_value sn_take_over(napi_env env, napi_callback_info info) {
    struct take_over *call = calloc(1, sizeof(*call));
    int64_t fd, timeout_ms;
    struct sn_args args;

    sn_args_read(&args, env, info);
    if (!call) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    if (!sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd) ||
        !sn_get_int(env, args.v[1], "timeout", -1, INT32_MAX, &timeout_ms) ||
        !sn_listen_options_read(env, args.v[2], &call->options)) {
        sn_listen_options_deinit(&call->options);
        free(call);
        return NULL;
    }
    call->work.run = run_take_over;
    call->work.finish = finish_take_over;
    call->fd = (int)fd;
    call->timeout_ms = (int)timeout_ms;
    if (!sn_work_start(&call->work, env, args.v[3], args.v[3])) {
        sn_listen_options_deinit(&call->options);
        free(call);
    }
    return NULL;
}

bool sn_listener_define(napi_env env, napi_value exports) {
    static const struct sn_method methods[] = {
        {"listen", listen_now},
        {"accept", set_accepting},
        {"address", get_address},
        {"refused", n_refused},
        {"fd", get_fd},
        {"setRef", sn_object_call_set_ref},
        {"close", sn_object_call_close},
        {"handOver", hand_over},
    };

    return sn_object_define(env, exports, &class, construct, methods, SN_ARRAY_SIZE(methods));
}
