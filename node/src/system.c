/* SPDX-License-Identifier: MIT */
/* system.c - closeFd(fd) and errorText(errno): what node has no calls for. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "addon.h"
#include "value.h"

/* -> 0, or a negative errno. */
napi_value sn_system_close_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    int64_t fd;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "fd", 0, INT32_MAX, &fd)) {
        return NULL;
    }
    return sn_int(env, close((int)fd) < 0 ? -errno : 0);
}

/* The C library's words, as in "Connection refused". */
napi_value sn_system_error_text(napi_env env, napi_callback_info info) {
    struct sn_args args;
    int64_t code;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "errno", INT16_MIN, 0, &code)) {
        return NULL;
    }
    return sn_string(env, strerror((int)-code));
}
