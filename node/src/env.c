/* SPDX-License-Identifier: MIT */
/* env.c - what one JavaScript environment (the main thread, or a worker) has of ours. */

#include "env.h"

#include <errno.h>
#include <stdlib.h>

#include "value.h"

/* ---- turns ----------------------------------------------------------------------------------- */

/* Ticks and promises of all callbacks run when the callback scope is closed: once a turn. */
static void dispatch(struct sn_env *own) {
    napi_handle_scope handles;
    napi_callback_scope callbacks;
    napi_value resource;

    if (own->is_dispatching || own->is_ending || napi_open_handle_scope(own->env, &handles)) {
        return;
    }
    napi_get_reference_value(own->env, own->resource, &resource);
    if (napi_open_callback_scope(own->env, resource, own->context, &callbacks) == napi_ok) {
        own->is_dispatching = true;
        sunpath_loop_dispatch(own->loop, 0);
        own->is_dispatching = false;
        napi_close_callback_scope(own->env, callbacks);
    }
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
    } else if (own->objects == object) {
        own->objects = object->next;
    } else {
        return; /* not in the list */
    }
    if (object->next) {
        object->next->previous = object->previous;
    }
    object->next = object->previous = NULL;
}

/* ---- calls into JavaScript ------------------------------------------------------------------- */

napi_value sn_env_call(struct sn_env *own, napi_value this_value, napi_value function, size_t n,
                       const napi_value *arguments) {
    napi_value result = NULL, thrown;
    bool is_pending = false;

    if (own->is_ending || !function) {
        return NULL;
    }
    if (napi_call_function(own->env, this_value, function, n, arguments, &result) == napi_ok) {
        return result;
    }
    napi_is_exception_pending(own->env, &is_pending);
    if (is_pending && napi_get_and_clear_last_exception(own->env, &thrown) == napi_ok) {
        napi_fatal_exception(own->env, thrown);
    }
    return NULL;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    struct sn_env *own = handle->data;

    if (--own->n_handles == 0) {
        napi_remove_async_cleanup_hook(own->hook);
    }
}

/* The environment ends: everything of it is closed, and nothing of any other one. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void *user) {
    struct sn_env *own = user;

    own->is_ending = true;
    while (own->objects) {
        struct sn_object *object = own->objects;

        sn_env_remove(own, object);
        object->close(object);
    }
    if (own->n_handles == 0) {
        napi_remove_async_cleanup_hook(hook);
        return;
    }
    uv_close((uv_handle_t *)&own->poll, on_closed);
    uv_close((uv_handle_t *)&own->prepare, on_closed);
    own->loop = sunpath_loop_close(own->loop);
}

static void on_freed(napi_env env, void *data, void *hint) {
    (void)env;
    (void)hint;
    free(data);
}

int sn_env_open(napi_env env) {
    struct sn_env *own = calloc(1, sizeof(*own));

    if (!own) {
        return -ENOMEM;
    }

    own->env = env;
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
    own->n_handles = 2;
    own->poll.data = own->prepare.data = own;
    uv_unref((uv_handle_t *)&own->poll);
    uv_unref((uv_handle_t *)&own->prepare);
    return uv_poll_start(&own->poll, UV_READABLE, on_readable);
}

static int open_loop(struct sn_env *own) {
    napi_value resource = sn_object(own->env), name = sn_string(own->env, "sunpath");
    int r;

    if (napi_create_reference(own->env, resource, 1, &own->resource) ||
        napi_async_init(own->env, resource, name, &own->context)) {
        return -ENOMEM;
    }

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
        if (own->n_handles == 0) {
            own->loop = sunpath_loop_close(own->loop);
        }
        sn_fail(own->env, r, "epoll_create1", NULL, NULL);
        return NULL;
    }
    return own->loop;
}
