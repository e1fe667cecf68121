/* SPDX-License-Identifier: MIT */
/* env.c - what one JavaScript environment (the main thread, or a worker) has of ours. */

#include "env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"
#include "http.h"
#include "object.h"
#include "value.h"

/* ---- turns ----------------------------------------------------------------------------------- */

static void dispatch(struct sn_env *own) {
    napi_handle_scope handles;

    if (own->is_dispatching || own->is_ending || napi_open_handle_scope(own->env, &handles)) {
        return;
    }
    own->is_dispatching = true;
    sunpath_loop_dispatch(own->loop, 0);
    own->is_dispatching = false;
    sn_batch_deliver(own);
    sn_batch_report(own);
    napi_close_handle_scope(own->env, handles);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    dispatch(poll->data);
}

static void on_prepare(uv_prepare_t *prepare) {
    struct sn_env *own = prepare->data;

    uv_prepare_stop(prepare);
    dispatch(own);
}

void sn_env_touch(struct sn_env *own) {
    if (!own->is_dispatching && own->loop && !own->is_ending) {
        uv_prepare_start(&own->prepare, on_prepare);
    }
}

void sn_env_ref(struct sn_env *own) {
    if (own->n_refs++ == 0) {
        uv_ref((uv_handle_t *)&own->poll);
    }
}

void sn_env_unref(struct sn_env *own) {
    if (--own->n_refs == 0) {
        uv_unref((uv_handle_t *)&own->poll);
    }
}

/* ---- what is open ---------------------------------------------------------------------------- */

void sn_env_add(struct sn_env *own, struct sn_object *object) {
    object->previous = NULL;
    object->next = own->objects;
    if (object->next) {
        object->next->previous = object;
    }
    own->objects = object;
}

void sn_env_remove(struct sn_env *own, struct sn_object *object) {
    if (object->previous) {
        object->previous->next = object->next;
    } else {
        own->objects = object->next;
    }
    if (object->next) {
        object->next->previous = object->previous;
    }
    object->next = object->previous = NULL;
}

/* ---- calls into JavaScript ------------------------------------------------------------------- */

napi_value sn_env_call(struct sn_env *own, napi_async_context context, napi_value this_value,
                       napi_value function, size_t n, const napi_value *arguments) {
    napi_value result = NULL, thrown;
    bool is_pending = false;
    napi_status status;

    if (own->is_ending || !this_value || !function) {
        return NULL;
    }
    status =
        context ? napi_make_callback(own->env, context, this_value, function, n, arguments, &result)
                : napi_call_function(own->env, this_value, function, n, arguments, &result);
    if (status == napi_ok) {
        return result;
    }
    napi_is_exception_pending(own->env, &is_pending);
    if (is_pending && napi_get_and_clear_last_exception(own->env, &thrown) == napi_ok) {
        napi_fatal_exception(own->env, thrown);
    }
    return NULL;
}

napi_value sn_env_set_callbacks(napi_env env, napi_callback_info info) {
    struct sn_env *own = sn_env_of(env);
    struct sn_args args;

    sn_args_read(&args, env, info);
    for (uint32_t i = 0; i < SN_N_CALLBACKS; i++) {
        napi_value callback = NULL;

        napi_get_element(env, args.v[0], i, &callback);
        if (!callback || !sn_is_function(env, callback)) {
            sn_fail_type(env, "callbacks", "an array of functions");
            return NULL;
        }
        if (own->callbacks[i]) {
            napi_delete_reference(env, own->callbacks[i]);
        }
        napi_create_reference(env, callback, 1, &own->callbacks[i]);
    }
    return NULL;
}

/* reportUncaught(error): it is an uncaughtException, here and now. */
napi_value sn_env_report_uncaught(napi_env env, napi_callback_info info) {
    struct sn_args args;

    sn_args_read(&args, env, info);
    napi_fatal_exception(env, args.v[0]);
    return NULL;
}

/* ---- input ----------------------------------------------------------------------------------- */

#define SLAB      16384 /* as much as a chunk that is kept may hold on to */
#define SHARE_MAX 2048  /* what is larger gets a buffer of its own */

/* The slab, when it has room for `size` more: who got a part of it may have transferred it away. */
static bool use_slab(struct sn_env *own, size_t size, napi_value *ret, void **ret_data) {
    size_t n_data = 0;

    return own->slab && size <= SLAB - own->slab_used &&
           napi_get_reference_value(own->env, own->slab, ret) == napi_ok && *ret &&
           napi_get_buffer_info(own->env, *ret, ret_data, &n_data) == napi_ok && n_data == SLAB;
}

static bool renew_slab(struct sn_env *own, napi_value *ret, void **ret_data) {
    if (napi_create_buffer(own->env, SLAB, ret_data, ret) != napi_ok) {
        return false;
    }
    if (own->slab) {
        napi_delete_reference(own->env, own->slab);
    }
    own->slab = NULL;
    own->slab_used = 0;
    return napi_create_reference(own->env, *ret, 1, &own->slab) == napi_ok;
}

bool sn_env_store(struct sn_env *own, const void *data, size_t size, napi_value *ret,
                  size_t *ret_offset) {
    void *slab;

    if (size > SHARE_MAX) {
        *ret_offset = 0;
        return napi_create_buffer_copy(own->env, size, data, NULL, ret) == napi_ok;
    }
    if (!use_slab(own, size, ret, &slab) && !renew_slab(own, ret, &slab)) {
        return false;
    }
    memcpy((char *)slab + own->slab_used, data, size);
    *ret_offset = own->slab_used;
    own->slab_used += (size + 7) & ~(size_t)7; /* what is a multiple of 8 can be any typed array */
    if (own->slab_used > SLAB) {
        own->slab_used = SLAB;
    }
    return true;
}

bool sn_env_large(struct sn_env *own, size_t size, napi_value *ret, void **ret_data) {
    size_t n_data = 0;

    if (own->large && napi_get_reference_value(own->env, own->large, ret) == napi_ok && *ret &&
        napi_get_buffer_info(own->env, *ret, ret_data, &n_data) == napi_ok && n_data == size) {
        return true;
    }
    sn_env_large_used(own);
    return napi_create_buffer(own->env, size, ret_data, ret) == napi_ok &&
           napi_create_reference(own->env, *ret, 1, &own->large) == napi_ok;
}

void sn_env_large_used(struct sn_env *own) {
    if (own->large) {
        napi_delete_reference(own->env, own->large);
    }
    own->large = NULL;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void sn_env_hold(struct sn_env *own) {
    own->n_open++;
}

void sn_env_release(struct sn_env *own) {
    if (--own->n_open == 0 && own->is_ending) {
        napi_remove_async_cleanup_hook(own->hook);
    }
}

static void on_closed(uv_handle_t *handle) {
    sn_env_release(handle->data);
}

/* The environment ends: everything of it is closed, and nothing of any other one. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *user) {
    struct sn_env *own = user;

    (void)hook;
    sn_batch_send(own);
    own->is_ending = true;
    sn_env_hold(own);
    while (own->objects) {
        struct sn_object *object = own->objects;

        sn_object_close(object);
        object->own = NULL;
    }
    if (own->poll.data) {
        uv_close((uv_handle_t *)&own->poll, on_closed);
        uv_close((uv_handle_t *)&own->prepare, on_closed);
    }
    own->loop = sunpath_loop_close(own->loop);
    sn_env_release(own);
}

static void on_freed(napi_env env, void *data, void *hint) {
    (void)env;
    (void)hint;
    sn_http_table_free(((struct sn_env *)data)->http);
    sn_batch_deinit(&((struct sn_env *)data)->batch);
    sn_http_quick_deinit(&((struct sn_env *)data)->http_quick);
    free(data);
}

int sn_env_open(napi_env env) {
    struct sn_env *own = calloc(1, sizeof(*own));

    if (!own) {
        return -ENOMEM;
    }

    own->env = env;
    own->fd_to_hold = -1;
    sn_batch_init(&own->batch);
    if (napi_get_uv_event_loop(env, &own->uv) || napi_set_instance_data(env, own, on_freed, NULL)) {
        free(own);
        return -EINVAL;
    }
    return napi_add_async_cleanup_hook(env, on_cleanup, own, &own->hook) ? -EINVAL : 0;
}

struct sn_env *sn_env_of(napi_env env) {
    void *own = NULL;

    napi_get_instance_data(env, &own);
    return own;
}

static int open_handles(struct sn_env *own, int fd) {
    int r;

    r = uv_poll_init(own->uv, &own->poll, fd);
    if (r < 0) {
        return r;
    }
    uv_prepare_init(own->uv, &own->prepare); /* cannot fail */
    own->n_open += 2;
    own->poll.data = own->prepare.data = own;
    uv_unref((uv_handle_t *)&own->poll);
    uv_unref((uv_handle_t *)&own->prepare);
    return uv_poll_start(&own->poll, UV_READABLE, on_readable);
}

static int open_loop(struct sn_env *own) {
    int r;

    r = sunpath_loop_open(&own->loop);
    if (r < 0) {
        return r;
    }

    r = sunpath_loop_fd(own->loop);
    return r < 0 ? r : open_handles(own, r);
}

struct sunpath_loop *sn_env_loop(struct sn_env *own) {
    int r;

    if (own->loop) {
        return own->loop;
    }
    r = own->is_ending ? -ECANCELED : open_loop(own);
    if (r < 0) {
        if (!own->poll.data) {
            own->loop = sunpath_loop_close(own->loop);
        }
        sn_fail(own->env, r, "epoll_create1", NULL, NULL);
        return NULL;
    }
    return own->loop;
}
