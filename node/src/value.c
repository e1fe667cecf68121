/* SPDX-License-Identifier: MIT */
/* value.c - JavaScript values and C ones: arguments, options, bytes, and errors that are thrown. */

#include "value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "addon.h"

void sn_args_read(struct sn_args *ret, napi_env env, napi_callback_info info) {
    void *data = NULL;

    ret->env = env;
    ret->n = SN_ARGS_MAX;
    if (napi_get_cb_info(env, info, &ret->n, ret->v, &ret->this_value, &data) != napi_ok) {
        ret->n = 0;
    }
    ret->data = data;
}

bool sn_args_read_new(struct sn_args *ret, napi_env env, napi_callback_info info) {
    napi_value target = NULL;

    napi_get_new_target(env, info, &target);
    if (!target) {
        return sn_fail_type(env, "this", "a new object: call the class with new");
    }
    sn_args_read(ret, env, info);
    return true;
}

void sn_freep(void *pointer) {
    free(*(void **)pointer);
}

static napi_valuetype type_of(napi_env env, napi_value value) {
    napi_valuetype type = napi_undefined;

    napi_typeof(env, value, &type);
    return type;
}

bool sn_is_given(napi_env env, napi_value value) {
    napi_valuetype type = type_of(env, value);

    return type != napi_undefined && type != napi_null;
}

bool sn_is_function(napi_env env, napi_value value) {
    return type_of(env, value) == napi_function;
}

/* ---- arguments ------------------------------------------------------------------------------- */

bool sn_get_string(napi_env env, napi_value value, const char *name, char **ret) {
    size_t size;
    char *text;

    if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok) {
        return sn_fail_type(env, name, "a string");
    }
    text = malloc(size + 1);
    if (!text) {
        sn_fail(env, -ENOMEM, "malloc", NULL, NULL);
        return false;
    }
    napi_get_value_string_utf8(env, value, text, size + 1, &size);
    if (strlen(text) != size) {
        free(text);
        return sn_fail_value(env, name, "must not contain a NUL byte");
    }
    *ret = text;
    return true;
}

bool sn_get_int(napi_env env, napi_value value, const char *name, int64_t min, int64_t max,
                int64_t *ret) {
    char expected[80];
    double number;

    if (napi_get_value_double(env, value, &number) != napi_ok) {
        return sn_fail_type(env, name, "a number");
    }
    if (!(number >= (double)min && number <= (double)max) || number != trunc(number)) {
        snprintf(expected, sizeof(expected), "an integer >= %lld and <= %lld", (long long)min,
                 (long long)max);
        return sn_fail_range(env, name, expected);
    }
    *ret = (int64_t)number;
    return true;
}

bool sn_get_bool(napi_env env, napi_value value, const char *name, bool *ret) {
    if (napi_get_value_bool(env, value, ret) != napi_ok) {
        return sn_fail_type(env, name, "a boolean");
    }
    return true;
}

bool sn_get_bytes(napi_env env, napi_value value, const char *name, const void **ret_data,
                  size_t *ret_size) {
    static const unsigned char element_size[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
    napi_typedarray_type type;
    void *data;
    size_t size;
    bool is;

    if (napi_get_typedarray_info(env, value, &type, &size, &data, NULL, NULL) == napi_ok) {
        if (type >= SN_ARRAY_SIZE(element_size)) {
            return sn_fail_type(env, name, "a typed array of a known kind");
        }
        size *= element_size[type];
    } else if (napi_is_dataview(env, value, &is) == napi_ok && is) {
        napi_get_dataview_info(env, value, &size, &data, NULL, NULL);
    } else {
        return sn_fail_type(env, name, "a Buffer, TypedArray or DataView");
    }
    *ret_data = data;
    *ret_size = size;
    return true;
}

bool sn_value_hold(napi_env env, napi_value value, napi_ref *ref) {
    if (*ref) {
        napi_delete_reference(env, *ref);
        *ref = NULL;
    }
    return napi_create_reference(env, value, 1, ref) == napi_ok;
}

bool sn_option(napi_env env, napi_value options, const char *name, napi_value *ret) {
    *ret = sn_undefined(env);
    if (!sn_is_given(env, options)) {
        return true;
    }
    if (type_of(env, options) != napi_object) {
        return sn_fail_type(env, "options", "an object");
    }
    /* a getter may throw */
    return napi_get_named_property(env, options, name, ret) == napi_ok;
}

bool sn_option_string(napi_env env, napi_value options, const char *name, char **ret) {
    napi_value value;

    return sn_option(env, options, name, &value) &&
           (!sn_is_given(env, value) || sn_get_string(env, value, name, ret));
}

bool sn_option_int(napi_env env, napi_value options, const char *name, int64_t min, int64_t max,
                   int64_t *ret) {
    napi_value value;

    return sn_option(env, options, name, &value) &&
           (!sn_is_given(env, value) || sn_get_int(env, value, name, min, max, ret));
}

bool sn_option_bool(napi_env env, napi_value options, const char *name, bool *ret) {
    napi_value value;

    return sn_option(env, options, name, &value) &&
           (!sn_is_given(env, value) || sn_get_bool(env, value, name, ret));
}

/* ---- values made ----------------------------------------------------------------------------- */

napi_value sn_undefined(napi_env env) {
    napi_value value = NULL;

    napi_get_undefined(env, &value);
    return value;
}

napi_value sn_int(napi_env env, int64_t value) {
    napi_value made = NULL;

    napi_create_int64(env, value, &made);
    return made;
}

napi_value sn_bool(napi_env env, bool value) {
    napi_value made = NULL;

    napi_get_boolean(env, value, &made);
    return made;
}

napi_value sn_string(napi_env env, const char *text) {
    return sn_string_n(env, text, strlen(text));
}

napi_value sn_string_n(napi_env env, const char *text, size_t size) {
    napi_value made = NULL;

    napi_create_string_utf8(env, text, size, &made);
    return made;
}

napi_value sn_object(napi_env env) {
    napi_value made = NULL;

    napi_create_object(env, &made);
    return made;
}

void sn_set(napi_env env, napi_value object, const char *name, napi_value value) {
    if (object && value) {
        napi_set_named_property(env, object, name, value);
    }
}

/* ---- errors ---------------------------------------------------------------------------------- */

const char *sn_errno_name(int code, char buffer[static 32]) {
    switch (-code) { /* those that libuv has no name for */
    case ETOOMANYREFS:
        return "ETOOMANYREFS";
    case EDQUOT:
        return "EDQUOT";
    case EBADMSG:
        return "EBADMSG";
    case EUSERS:
        return "EUSERS";
    default:
        return uv_err_name_r(code, buffer, 32);
    }
}

/* The path of a Unix socket is `path`, as with fs; every other place is `address`, as with net. */
static const char *kind_of_place(const char *address) {
    return address[0] == '/' || address[0] == '.' ? "path" : "address";
}

napi_value sn_make_error(napi_env env, int code, const char *syscall, const char *address,
                         const struct sunpath_error *error) {
    char name_buffer[32], why[128], text[sizeof(error->text) + 64];
    const char *name = sn_errno_name(code, name_buffer);
    napi_value made = NULL;

    if (error && error->code == code && error->text[0]) {
        snprintf(text, sizeof(text), "%s: %s", name, error->text);
    } else {
        snprintf(text, sizeof(text), "%s: %s, %s", name, uv_strerror_r(code, why, sizeof(why)),
                 syscall);
    }
    if (napi_create_error(env, NULL, sn_string(env, text), &made) != napi_ok) {
        return NULL;
    }
    sn_set(env, made, "errno", sn_int(env, code));
    sn_set(env, made, "code", sn_string(env, name));
    sn_set(env, made, "syscall", sn_string(env, syscall));
    if (address) {
        sn_set(env, made, kind_of_place(address), sn_string(env, address));
    }
    if (error && error->code == code) {
        sn_set(env, made, "hint", sn_string(env, sunpath_reason_name(error->reason)));
    }
    return made;
}

napi_value sn_fail(napi_env env, int code, const char *syscall, const char *address,
                   const struct sunpath_error *error) {
    napi_value made = sn_make_error(env, code, syscall, address, error);

    if (made) {
        napi_throw(env, made);
    }
    return NULL;
}

bool sn_fail_type(napi_env env, const char *name, const char *expected) {
    char text[200];

    snprintf(text, sizeof(text), "\"%s\" must be %s", name, expected);
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
    return false;
}

bool sn_fail_range(napi_env env, const char *name, const char *expected) {
    char text[200];

    snprintf(text, sizeof(text), "\"%s\" is out of range: it must be %s", name, expected);
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
    return false;
}

bool sn_fail_value(napi_env env, const char *name, const char *why) {
    char text[200];

    snprintf(text, sizeof(text), "\"%s\" %s", name, why);
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", text);
    return false;
}

/* makeError(errno, syscall): for errors that lib/ is the one to report */
napi_value sn_error_make(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) char *syscall = NULL;
    struct sn_args args;
    int64_t code;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "errno", -4095, -1, &code) ||
        !sn_get_string(env, args.v[1], "syscall", &syscall)) {
        return NULL;
    }
    return sn_make_error(env, (int)code, syscall, NULL, NULL);
}
