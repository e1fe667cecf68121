/* SPDX-License-Identifier: MIT */
/* work.h - a call that may block, made in another thread. */

#ifndef SN_WORK_H
#define SN_WORK_H

#include "env.h"

/* First member of what the call needs; malloc'd, and freed after `finish`. */
struct sn_work {
    struct sn_env *own;
    uv_work_t request; /* not Node-API's: Node would wait for that before it lets us cancel it */
    napi_async_context context;
    napi_ref callback, kept;

    /* In the other thread: no JavaScript, nothing of the environment. */
    void (*run)(struct sn_work *work);
    /* Back home. sn_work_tell() calls back; `is_ending`: only give up what `run` got. */
    void (*finish)(struct sn_work *work, bool is_ending);
};

/*
 * Starts it. `callback` is a function; `kept` is not collected meanwhile. False with an error
 * thrown, and nothing was started or freed.
 */
bool sn_work_start(struct sn_work *work, napi_env env, napi_value callback, napi_value kept);
void sn_work_tell(struct sn_work *work, size_t n, const napi_value *arguments);

#endif
