/* SPDX-License-Identifier: MIT */
/* address.c - parseAddress(text) and formatAddress(parts). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sunpath/address.h>

#include "addon.h"
#include "value.h"

static const char *const kinds[] = {
    [SUNPATH_ADDRESS_PATH] = "path", [SUNPATH_ADDRESS_ABSTRACT] = "abstract",
    [SUNPATH_ADDRESS_FD] = "fd",     [SUNPATH_ADDRESS_SYSTEMD] = "systemd",
    [SUNPATH_ADDRESS_TCP] = "tcp",
};
static const char *const types[] = {
    [SUNPATH_STREAM] = "stream",
    [SUNPATH_DGRAM] = "dgram",
    [SUNPATH_SEQPACKET] = "seqpacket",
};

/* { kind, type, name | fd | host, port, ... }: only what this kind of address has. */
static napi_value describe(napi_env env, const struct sunpath_address *address) {
    napi_value made = sn_object(env), bytes;

    sn_set(env, made, "kind", sn_string(env, kinds[address->kind]));
    sn_set(env, made, "type", sn_string(env, types[address->type]));
    sn_set(env, made, "isTyped", sn_bool(env, address->is_typed));
    if (address->kind == SUNPATH_ADDRESS_FD) {
        sn_set(env, made, "fd", sn_int(env, address->number));
        return made;
    }
    sn_set(env, made, address->kind == SUNPATH_ADDRESS_TCP ? "host" : "name",
           sn_string_n(env, address->name, address->n_name));
    if (address->kind == SUNPATH_ADDRESS_TCP) {
        sn_set(env, made, "port", sn_int(env, address->number));
    } else if (address->kind == SUNPATH_ADDRESS_ABSTRACT) {
        napi_create_buffer_copy(env, address->n_name, address->name, NULL, &bytes);
        sn_set(env, made, "bytes", bytes);
        sn_set(env, made, "isPadded", sn_bool(env, address->is_padded));
        sn_set(env, made, "isAuto", sn_bool(env, address->is_auto));
    }
    if (address->uri) {
        sn_set(env, made, "uri", sn_string(env, address->uri));
    }
    return made;
}

napi_value sn_address_parse(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) char *text = NULL;
    struct sunpath_address address;
    struct sunpath_error error;
    struct sn_args args;
    int r;

    sn_args_read(&args, env, info);
    if (!sn_get_string(env, args.v[0], "address", &text)) {
        return NULL;
    }

    r = sunpath_address_parse(&address, text, &error);
    return r < 0 ? sn_fail(env, r, "parse", text, &error) : describe(env, &address);
}

/* The index of `text` in a list of words, or -1. */
static int find(const char *text, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (words[i] && strcmp(words[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool read_word(napi_env env, napi_value parts, const char *name, const char *const *words,
                      size_t n, int *ret) {
    _cleanup_(sn_freep) char *text = NULL;

    if (!sn_option_string(env, parts, name, &text)) {
        return false;
    }
    if (text) {
        *ret = find(text, words, n);
    }
    return *ret >= 0 || sn_fail_value(env, name, "is none of the words it may be");
}

static bool read_name(napi_env env, napi_value parts, struct sunpath_address *address) {
    const char *name = address->kind == SUNPATH_ADDRESS_TCP ? "host" : "name";
    _cleanup_(sn_freep) char *text = NULL;
    const void *data = "";
    napi_value bytes;
    size_t size = 0;

    if (!sn_option(env, parts, "bytes", &bytes)) {
        return false;
    }
    if (sn_is_given(env, bytes)) {
        if (!sn_get_bytes(env, bytes, "bytes", &data, &size)) {
            return false;
        }
    } else if (!sn_option_string(env, parts, name, &text)) {
        return false;
    } else if (text) {
        data = text;
        size = strlen(text);
    }
    if (size > SUNPATH_NAME_MAX) {
        return sn_fail_range(env, "name", "at most 4095 bytes");
    }
    if (size > 0) {
        memcpy(address->name, data, size);
    }
    address->n_name = size;
    return true;
}

static bool read_address(napi_env env, napi_value parts, struct sunpath_address *address) {
    bool is_tcp, is_given = sn_is_given(env, parts);
    int kind = SUNPATH_ADDRESS_PATH, type = SUNPATH_STREAM;
    int64_t number = 0;

    if (!is_given) {
        return sn_fail_type(env, "parts", "an object");
    }
    if (!read_word(env, parts, "kind", kinds, SN_ARRAY_SIZE(kinds), &kind) ||
        !read_word(env, parts, "type", types, SN_ARRAY_SIZE(types), &type)) {
        return false;
    }
    address->kind = (enum sunpath_address_kind)kind;
    address->type = (enum sunpath_type)type;
    is_tcp = address->kind == SUNPATH_ADDRESS_TCP;
    if (!read_name(env, parts, address) ||
        !sn_option_int(env, parts, is_tcp ? "port" : "fd", 0, is_tcp ? 65535 : INT32_MAX,
                       &number) ||
        !sn_option_bool(env, parts, "isTyped", &address->is_typed) ||
        !sn_option_bool(env, parts, "isPadded", &address->is_padded) ||
        !sn_option_bool(env, parts, "isAuto", &address->is_auto)) {
        return false;
    }
    address->is_typed = address->is_typed || address->type != SUNPATH_STREAM;
    address->number = (int)number;
    return true;
}

napi_value sn_address_format(napi_env env, napi_callback_info info) {
    struct sunpath_address address = {0};
    struct sn_args args;
    size_t size;
    char *text;
    napi_value made;

    sn_args_read(&args, env, info);
    if (!read_address(env, args.v[0], &address)) {
        return NULL;
    }
    size = sunpath_address_format(NULL, 0, &address) + 1;
    text = malloc(size);
    if (!text) {
        return sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
    }
    sunpath_address_format(text, size, &address);
    made = sn_string(env, text);
    free(text);
    return made;
}
