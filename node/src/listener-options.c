/* SPDX-License-Identifier: MIT */
/* listener-options.c - struct sunpath_listen_options from JavaScript's options. */

#include "listener-options.h"

#include <errno.h>
#include <stdlib.h>

#include "value.h"

#define BUFFER_MAX (1 << 30)

void sn_listen_options_deinit(struct sn_listen_options *options) {
    options->access = sunpath_access_free(options->access);
    free(options->owner);
    free(options->group);
}

static bool add_rule(napi_env env, struct sunpath_access **access, napi_value value,
                     int (*add)(struct sunpath_access *access, const char *rule,
                                struct sunpath_error *error)) {
    _cleanup_(sn_freep) char *rule = NULL;
    struct sunpath_error error;
    int r;

    if (!sn_get_string(env, value, "rule", &rule)) {
        return false;
    }
    r = *access ? 0 : sunpath_access_new(access);
    if (r < 0) {
        sn_fail(env, r, "malloc", NULL, NULL);
        return false;
    }
    r = add(*access, rule, &error);
    if (r < 0) {
        sn_fail(env, r, "access", NULL, &error);
        return false;
    }
    return true;
}

static bool read_rules(napi_env env, napi_value options, const char *name,
                       struct sunpath_access **access,
                       int (*add)(struct sunpath_access *access, const char *rule,
                                  struct sunpath_error *error)) {
    napi_value list, item;
    bool is_array = false;
    uint32_t n = 0;

    if (!sn_option(env, options, name, &list)) {
        return false;
    }
    if (!sn_is_given(env, list)) {
        return true;
    }
    napi_is_array(env, list, &is_array);
    if (!is_array) {
        return sn_fail_type(env, name, "an array of rules");
    }
    napi_get_array_length(env, list, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (napi_get_element(env, list, i, &item) != napi_ok || !add_rule(env, access, item, add)) {
            return false;
        }
    }
    return true;
}

bool sn_access_read(napi_env env, napi_value options, struct sunpath_access **ret) {
    struct sunpath_access *access = NULL;

    if (!read_rules(env, options, "allow", &access, sunpath_access_allow) ||
        !read_rules(env, options, "deny", &access, sunpath_access_deny)) {
        sunpath_access_free(access);
        return false;
    }
    *ret = access;
    return true;
}

bool sn_listen_options_read(napi_env env, napi_value options, struct sn_listen_options *ret) {
    int64_t type = 0, mode = 0, backlog = 0, send_buffer = 0, receive_buffer = 0;

    ret->listen = SUNPATH_OPTIONS(struct sunpath_listen_options);
    if (!sn_option_int(env, options, "type", 0, SUNPATH_SEQPACKET, &type) ||
        !sn_option_int(env, options, "mode", 0, 07777, &mode) ||
        !sn_option_string(env, options, "owner", &ret->owner) ||
        !sn_option_string(env, options, "group", &ret->group) ||
        !sn_option_int(env, options, "backlog", -1, INT32_MAX, &backlog) ||
        !sn_option_int(env, options, "sendBuffer", 0, BUFFER_MAX, &send_buffer) ||
        !sn_option_int(env, options, "receiveBuffer", 0, BUFFER_MAX, &receive_buffer) ||
        !sn_option_bool(env, options, "reusePort", &ret->listen.reuse_port) ||
        !sn_option_bool(env, options, "credentials", &ret->listen.want_credentials) ||
        !sn_access_read(env, options, &ret->access)) {
        return false;
    }
    ret->listen.type = (enum sunpath_type)type;
    ret->listen.mode = (mode_t)mode;
    ret->listen.owner = ret->owner;
    ret->listen.group = ret->group;
    ret->listen.backlog = (int)backlog;
    ret->listen.send_buffer = (int)send_buffer;
    ret->listen.receive_buffer = (int)receive_buffer;
    ret->listen.access = ret->access;
    return true;
}
