/* SPDX-License-Identifier: MIT */
/* work.c - a call that may block, made in another thread. */

#include "work.h"

#include <errno.h>
#include <stdlib.h>

#include "value.h"

static void run(napi_env env, void *data) {
    struct sn_work *work = data;

    (void)env;
    work->run(work);
}

static void finish(napi_env env, napi_status status, void *data) {
    struct sn_work *work = data;
    struct sn_env *own = work->own;

    (void)status; /* we never cancel what is queued: it always ran */
    work->finish(work, own->is_ending);
    if (!own->is_ending) {
        napi_delete_reference(env, work->callback);
        napi_delete_reference(env, work->kept);
        napi_delete_async_work(env, work->work);
    }
    free(work);
    sn_env_release(own);
}

void sn_work_tell(struct sn_work *work, size_t n, const napi_value *arguments) {
    napi_value callback = NULL;

    napi_get_reference_value(work->own->env, work->callback, &callback);
    sn_env_call(work->own, NULL, sn_undefined(work->own->env), callback, n, arguments);
}

bool sn_work_start(struct sn_work *work, napi_env env, napi_value callback, napi_value kept) {
    work->own = sn_env_of(env);
    if (!sn_is_function(env, callback)) {
        return sn_fail_type(env, "callback", "a function");
    }
    if (napi_create_async_work(env, NULL, sn_string(env, "sunpath"), run, finish, work,
                               &work->work) != napi_ok) {
        sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
        return false;
    }
    napi_create_reference(env, callback, 1, &work->callback);
    napi_create_reference(env, kept, 1, &work->kept);
    sn_env_hold(work->own);
    napi_queue_async_work(env, work->work);
    return true;
}
