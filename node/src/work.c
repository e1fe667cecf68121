/* SPDX-License-Identifier: MIT */
/* work.c - a call that may block, made in another thread. */

#include "work.h"

#include <errno.h>
#include <stdlib.h>

#include "value.h"

static void run(uv_work_t *request) {
    struct sn_work *work = request->data;

    work->run(work);
}

static void finish(uv_work_t *request, int status) {
    struct sn_work *work = request->data;
    struct sn_env *own = work->own;
    napi_handle_scope scope;

    (void)status; /* we never cancel what is queued: it always ran */
    if (own->is_ending || napi_open_handle_scope(own->env, &scope) != napi_ok) {
        work->finish(work, true);
    } else {
        work->finish(work, false);
        napi_delete_reference(own->env, work->callback);
        napi_delete_reference(own->env, work->kept);
        napi_async_destroy(own->env, work->context);
        napi_close_handle_scope(own->env, scope);
    }
    free(work);
    sn_env_release(own);
}

void sn_work_tell(struct sn_work *work, size_t n, const napi_value *arguments) {
    napi_value callback = NULL;

    napi_get_reference_value(work->own->env, work->callback, &callback);
    sn_env_call(work->own, work->context, sn_object(work->own->env), callback, n, arguments);
}

bool sn_work_start(struct sn_work *work, napi_env env, napi_value callback, napi_value kept) {
    work->own = sn_env_of(env);
    if (!sn_is_function(env, callback)) {
        return sn_fail_type(env, "callback", "a function");
    }
    if (napi_async_init(env, NULL, sn_string(env, "sunpath"), &work->context) != napi_ok) {
        sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
        return false;
    }
    napi_create_reference(env, callback, 1, &work->callback);
    napi_create_reference(env, kept, 1, &work->kept);
    sn_env_hold(work->own);
    work->request.data = work;
    uv_queue_work(work->own->uv, &work->request, run, finish);
    return true;
}
