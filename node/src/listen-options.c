/* SPDX-License-Identifier: MIT */
/* listen-options.c - the options of everything that listens, out of a JavaScript object. */

#include "listen-options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

/* ---- rules ----------------------------------------------------------------------------------- */

typedef int (*add_rule)(struct sunpath_access *access, const char *rule,
                        struct sunpath_error *error);

static bool add_one(napi_env env, struct sunpath_access **access, napi_value item, const char *name,
                    add_rule add) {
    _cleanup_(sn_freep) char *rule = NULL;
    struct sunpath_error error = {0};
    int r;

    if (!sn_get_string(env, item, name, &rule)) {
        return false;
    }
    r = *access ? 0 : sunpath_access_new(access);
    if (r >= 0) {
        r = add(*access, rule, &error);
    }
    if (r < 0) {
        sn_fail(env, r, "rule", NULL, &error);
        return false;
    }
    return true;
}

static bool add_rules(napi_env env, struct sunpath_access **access, napi_value options,
                      const char *name, add_rule add) {
    napi_value rules, item;
    bool is_array = false;
    uint32_t n = 0;

    if (!sn_option(env, options, name, &rules)) {
        return false;
    }
    if (!sn_is_given(env, rules)) {
        return true;
    }
    napi_is_array(env, rules, &is_array);
    if (!is_array) {
        return sn_fail_type(env, name, "an array of strings");
    }
    napi_get_array_length(env, rules, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (napi_get_element(env, rules, i, &item) != napi_ok ||
            !add_one(env, access, item, name, add)) {
            return false;
        }
    }
    return true;
}

bool sn_access_read(napi_env env, napi_value options, struct sunpath_access **ret) {
    struct sunpath_access *access = NULL;

    if (!add_rules(env, &access, options, "allow", sunpath_access_allow) ||
        !add_rules(env, &access, options, "deny", sunpath_access_deny)) {
        sunpath_access_free(access);
        return false;
    }
    *ret = access;
    return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static bool read_type(napi_env env, napi_value options, enum sunpath_type *ret) {
    static const struct {
        const char *name;
        enum sunpath_type type;
    } types[] = {
        {"stream", SUNPATH_STREAM}, {"seqpacket", SUNPATH_SEQPACKET}, {"dgram", SUNPATH_DGRAM}};
    _cleanup_(sn_freep) char *name = NULL;

    if (!sn_option_string(env, options, "type", &name)) {
        return false;
    }
    for (size_t i = 0; name && i < SN_ARRAY_SIZE(types); i++) {
        if (strcmp(name, types[i].name) == 0) {
            *ret = types[i].type;
            return true;
        }
    }
    return !name || sn_fail_value(env, "type", "must be 'stream', 'seqpacket' or 'dgram'");
}

static bool read_numbers(napi_env env, napi_value from, struct sunpath_listen_options *options) {
    int64_t mode = 0, backlog = 0, send_buffer = 0, receive_buffer = 0;

    if (!sn_option_int(env, from, "mode", 0, 0777, &mode) ||
        !sn_option_int(env, from, "backlog", -1, INT_MAX, &backlog) ||
        !sn_option_int(env, from, "sendBuffer", 0, INT_MAX, &send_buffer) ||
        !sn_option_int(env, from, "receiveBuffer", 0, INT_MAX, &receive_buffer)) {
        return false;
    }
    options->mode = (mode_t)mode;
    options->backlog = (int)backlog;
    options->send_buffer = (int)send_buffer;
    options->receive_buffer = (int)receive_buffer;
    return sn_option_bool(env, from, "reusePort", &options->reuse_port);
}

bool sn_listen_options_read(napi_env env, napi_value options, struct sn_listen_options *ret) {
    struct sn_listen_options read = {.options = SUNPATH_OPTIONS(struct sunpath_listen_options)};

    if (!read_type(env, options, &read.options.type) ||
        !read_numbers(env, options, &read.options) ||
        !sn_option_string(env, options, "owner", &read.owner) ||
        !sn_option_string(env, options, "group", &read.group) ||
        !sn_access_read(env, options, &read.access)) {
        sn_listen_options_done(&read);
        return false;
    }
    read.options.owner = read.owner;
    read.options.group = read.group;
    read.options.access = read.access;
    *ret = read;
    return true;
}

void sn_listen_options_done(struct sn_listen_options *options) {
    options->access = sunpath_access_free(options->access);
    free(options->owner);
    free(options->group);
    options->owner = options->group = NULL;
}

struct sunpath_access *sn_listen_options_take_access(struct sn_listen_options *options) {
    struct sunpath_access *access = options->access;

    options->access = NULL;
    return access;
}
