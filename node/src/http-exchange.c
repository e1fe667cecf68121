/* SPDX-License-Identifier: MIT */
/* http-exchange.c - requests told to JavaScript, and what it tells them to do. */

#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addon.h"
#include "http-quick.h"
#include "http-table.h"
#include "value.h"

#define MAX_COLLECTED (64 * 1024) /* bytes: a larger body is streamed */

#define TEXT_TYPE     "text/plain;charset=UTF-8"
#define BYTES_TYPE    "application/octet-stream"

/* ---- told to JavaScript ---------------------------------------------------------------------- */

static napi_value number_value(napi_env env, uint32_t number) {
    napi_value value = NULL;

    napi_create_uint32(env, number, &value);
    return value;
}

void sn_http_tell(struct sn_http_server *server, uint32_t number, enum sn_http_event event,
                  napi_value value) {
    struct sn_env *own = server->object.own;
    napi_value arguments[] = {number_value(own->env, number), number_value(own->env, event), value};

    sn_object_tell(&server->object, SN_HTTP_EVENT, value ? 3 : 2, arguments);
}

static int respond_text(struct sn_http_slot *slot, int status, const char *type, napi_env env,
                        napi_value text, struct sn_http_table *table) {
    size_t size = 0;
    char *large;
    int r;

    if (napi_get_value_string_utf8(env, text, table->text, SN_HTTP_N_TEXT, &size) != napi_ok) {
        return -EPROTOTYPE;
    }
    if (size < SN_HTTP_N_TEXT - 4) { /* else it may have been cut, in front of a whole character */
        return sunpath_http_respond(slot->exchange, status, type, table->text, size);
    }
    napi_get_value_string_utf8(env, text, NULL, 0, &size);
    large = malloc(size + 1);
    if (!large) {
        return -ENOMEM;
    }
    napi_get_value_string_utf8(env, text, large, size + 1, &size);
    r = sunpath_http_respond(slot->exchange, status, type, large, size);
    free(large);
    return r;
}

static int respond_bytes(struct sn_http_slot *slot, int status, const char *type, napi_env env,
                         napi_value body) {
    const void *data;
    size_t size;

    if (!sn_get_bytes(env, body, "body", &data, &size)) {
        return -EPROTOTYPE;
    }
    return sunpath_http_respond(slot->exchange, status, type, data, size);
}

/* A simple answer: its headers are a set that is known. */
static int respond_simply(struct sn_http_slot *slot, struct sn_env *own, uint32_t status,
                          uint32_t set, napi_value body) {
    const char *type = sn_http_quick_dress(own, set, slot->exchange);
    napi_env env = own->env;
    int r;

    status = status ? status : 200;
    r = respond_text(slot, (int)status, type ? type : TEXT_TYPE, env, body, own->http);
    if (r == -EPROTOTYPE) {
        r = respond_bytes(slot, (int)status, type ? type : BYTES_TYPE, env, body);
    }
    return r;
}

/* What the handler returned is the body; the rest of the answer is in memory. */
static int respond_result(struct sn_http_slot *slot, struct sn_env *own, napi_value body) {
    uint32_t status, set;

    if (!sn_is_given(own->env, body)) {
        return -EPROTOTYPE;
    }
    sn_http_quick_answer(own, &status, &set);
    return respond_simply(slot, own, status, set, body);
}

/*
 * Calls the handler. A body that it returns is the whole answer, with what is in memory; without
 * one lib/ has dealt with it, or will.
 */
static void ask(struct sn_http_server *server, struct sunpath_http_exchange *exchange,
                enum sn_http_body kind) {
    struct sn_env *own = server->object.own;
    struct sn_http_slot *slot = sn_http_take_slot(server, exchange);
    napi_env env = own->env;
    napi_handle_scope scope;
    napi_value head_value = NULL, result;
    uint32_t number;
    size_t size;
    const char *head;

    if (!slot || !own->http_quick.words || napi_open_handle_scope(env, &scope) != napi_ok) {
        sunpath_http_fail(exchange, 503, NULL);
        return;
    }
    head = sunpath_http_head(exchange, &size);
    number = sn_http_number_of(own->http, slot);
    if (!sn_http_quick_note(own, number, kind, head, size)) {
        napi_create_string_latin1(env, head, size, &head_value);
    }
    result = sn_object_tell(&server->object, SN_HTTP_REQUEST, head_value ? 1 : 0, &head_value);
    if (!result) { /* a tick or a promise behind the handler threw */
        sn_http_tell(server, number, SN_HTTP_LOST, NULL);
    }
    slot = sn_http_find_slot(own, number);
    if (slot && !slot->is_done) {
        int r = result ? respond_result(slot, own, result) : -EINVAL;

        if (r == 0) {
            slot->is_done = true;
        } else if (r != -EPROTOTYPE) {
            slot->is_done = true;
            sunpath_http_fail(slot->exchange, 500, NULL);
        }
    }
    napi_close_handle_scope(env, scope);
}

/* ---- the engine's events --------------------------------------------------------------------- */

static void on_request(struct sunpath_http_exchange *exchange, void *user) {
    size_t size;

    sunpath_http_body(exchange, &size);
    ask(user, exchange, size > 0 ? SN_HTTP_COLLECTED : SN_HTTP_NO_BODY);
}

/* Of an exchange that JavaScript has not let go of: tells it, with what `make` makes. */
static void tell_of(struct sunpath_http_exchange *exchange, struct sn_http_server *server,
                    enum sn_http_event event, const void *data, size_t size) {
    struct sn_env *own = server->object.own;
    struct sn_http_slot *slot = sn_http_slot_of(own, exchange);
    napi_handle_scope scope;
    napi_value value = NULL;

    if (!slot || slot->is_done || own->is_ending ||
        napi_open_handle_scope(own->env, &scope) != napi_ok) {
        return;
    }
    if (data && napi_create_buffer_copy(own->env, size, data, NULL, &value) != napi_ok) {
        sunpath_http_abort(exchange);
    } else {
        sn_http_tell(server, sn_http_number_of(own->http, slot), event, value);
    }
    napi_close_handle_scope(own->env, scope);
}

static void on_piece(struct sunpath_http_exchange *exchange, const void *data, size_t size,
                     void *user) {
    tell_of(exchange, user, SN_HTTP_PIECE, data, size);
}

static void on_body_end(struct sunpath_http_exchange *exchange, void *user) {
    tell_of(exchange, user, SN_HTTP_BODY_END, NULL, 0);
}

static void on_drain(struct sunpath_http_exchange *exchange, void *user) {
    tell_of(exchange, user, SN_HTTP_DRAIN, NULL, 0);
}

static void on_finish(struct sunpath_http_exchange *exchange, int error, void *user) {
    struct sn_http_server *server = user;
    struct sn_env *own = server->object.own;
    struct sn_http_slot *slot = sn_http_slot_of(own, exchange);
    napi_handle_scope scope;
    uint32_t number;
    bool is_done;

    if (!slot) {
        return; /* refused before JavaScript heard of it */
    }
    number = sn_http_number_of(own->http, slot);
    is_done = slot->is_done || own->is_ending;
    sn_http_free_slot(own->http, slot);
    if (!is_done && napi_open_handle_scope(own->env, &scope) == napi_ok) {
        sn_http_tell(server, number, SN_HTTP_FINISH, sn_int(own->env, error));
        napi_close_handle_scope(own->env, scope);
    }
}

static const struct sunpath_http_handler streaming = {
    .on_body = on_piece,
    .on_request = on_body_end,
    .on_drain = on_drain,
    .on_finish = on_finish,
};

/*
 * A body that is small is collected first: then its handler never waits. A larger one, and one
 * whose client asks before it sends, waits until JavaScript wants it.
 */
static void on_head(struct sunpath_http_exchange *exchange, void *user) {
    const struct sn_http_server *server = user;
    int64_t size = sunpath_http_content_length(exchange);

    if (size > 0 && (uint64_t)size > server->max_body) {
        return; /* the engine refuses it */
    }
    if (size == 0 || (size < 0 && !sunpath_http_header(exchange, "Transfer-Encoding"))) {
        return;
    }
    if (size > 0 && size <= MAX_COLLECTED && !sunpath_http_header(exchange, "Expect")) {
        return;
    }
    if (sunpath_http_set_handler(exchange, &streaming, user) == 0) {
        sunpath_http_pause(exchange);
        ask(user, exchange, SN_HTTP_STREAMED);
    }
}

const struct sunpath_http_handler sn_http_handler = {
    .on_head = on_head,
    .on_request = on_request,
    .on_drain = on_drain,
    .on_finish = on_finish,
};

/* ---- what JavaScript answers ----------------------------------------------------------------- */

/* The exchange that a call is about; NULL: it is over, and there is nothing to do. */
static struct sn_http_slot *read_call(struct sn_args *args, struct sn_env **ret_own, napi_env env,
                                      napi_callback_info info) {
    uint32_t number = 0;

    sn_args_read(args, env, info);
    *ret_own = sn_env_of(env);
    if (napi_get_value_uint32(env, args->v[0], &number) != napi_ok) {
        sn_fail_type(env, "exchange", "a number");
        return NULL;
    }
    return sn_http_find_slot(*ret_own, number);
}

/* An answer by number: 0, 1 or a negative errno, which lib/ makes an error of where it is one. */
static napi_value result_of(struct sn_env *own, int r) {
    sn_env_touch(own);
    return sn_int(own->env, r);
}

/* What a call's headers say beside themselves. */
struct facts {
    int64_t length; /* -1: none */
    bool has_type;
};

static bool add_headers(struct sn_http_slot *slot, napi_env env, char *at, const char *end,
                        uint32_t n, struct facts *facts) {
    while (at < end && n > 0) {
        const char *name = at, *value = name + strlen(name) + 1;
        char text[160];

        if (value >= end) {
            break;
        }
        at = (char *)value + strlen(value) + 1;
        n--;
        if (sn_http_is_engine_s(name, value, &facts->length)) {
            continue;
        }
        facts->has_type = facts->has_type || strcasecmp(name, "Content-Type") == 0;
        if (sunpath_http_add_header(slot->exchange, name, value) == -EINVAL) {
            char shown[80];

            sunpath_escape(shown, sizeof(shown), name, strlen(name));
            snprintf(text, sizeof(text), "Header name or value must be valid HTTP: \"%s\"", shown);
            napi_throw_type_error(env, "ERR_INVALID_CHAR", text);
            return false;
        }
    }
    if (at != end || n != 0) { /* a NUL in a value would be the end of it */
        napi_throw_type_error(env, "ERR_INVALID_CHAR", "Header must not contain a NUL byte");
        return false;
    }
    return true;
}

/* Name NUL value NUL ..., `n` pairs, every character one byte. False with an error thrown. */
static bool take_headers(struct sn_env *own, struct sn_http_slot *slot, napi_value headers,
                         napi_value n, struct facts *ret) {
    struct sn_http_table *table = own->http;
    napi_env env = own->env;
    char *text = table->text;
    uint32_t n_pairs = 0;
    size_t size = 0;

    *ret = (struct facts){.length = -1};
    if (!sn_is_given(env, headers)) {
        return true;
    }
    if (napi_get_value_uint32(env, n, &n_pairs) != napi_ok ||
        napi_get_value_string_latin1(env, headers, text, SN_HTTP_N_TEXT, &size) != napi_ok) {
        return sn_fail_type(env, "headers", "a string of pairs");
    }
    if (size == SN_HTTP_N_TEXT - 1) {
        return sn_fail_range(env, "headers", "less than 64 KiB");
    }
    return add_headers(slot, env, text, text + size, n_pairs, ret);
}

/* Nothing of it is there, but a HEAD may tell how long it would be. */
static int respond_empty(struct sn_http_slot *slot, int status, const struct facts *facts) {
    int r;

    if (facts->length < 0 || strcmp(sunpath_http_method(slot->exchange), "HEAD") != 0) {
        return sunpath_http_respond(slot->exchange, status, NULL, NULL, 0);
    }
    r = sunpath_http_start(slot->exchange, status, facts->length);
    return r < 0 ? r : sunpath_http_end(slot->exchange);
}

static napi_value note_answer(struct sn_env *own, uint32_t number, int r) {
    struct sn_http_slot *slot =
        sn_http_find_slot(own, number); /* the table may have grown, or it be over */

    if (slot) {
        slot->is_done = r == 0;
    }
    return result_of(own, r);
}

/*
 * httpRespond(exchange, status, headers, nHeaders, body, isExact): the whole answer. `body` is a
 * string, bytes or undefined; `isExact`: it has no type but what the headers say.
 */
napi_value sn_http_respond(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct facts facts;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    int32_t status = 0;
    bool is_exact = false;
    uint32_t number;
    int r;

    if (!slot || slot->is_done) {
        return NULL;
    }
    number = sn_http_number_of(own->http, slot);
    napi_get_value_int32(env, args.v[1], &status);
    napi_get_value_bool(env, args.v[5], &is_exact);
    if (!take_headers(own, slot, args.v[2], args.v[3], &facts)) {
        return NULL;
    }
    if (!sn_is_given(env, args.v[4])) {
        r = respond_empty(slot, status, &facts);
    } else {
        r = respond_text(slot, status, facts.has_type || is_exact ? NULL : TEXT_TYPE, env,
                         args.v[4], own->http);
        if (r == -EPROTOTYPE) {
            r = respond_bytes(slot, status, facts.has_type || is_exact ? NULL : BYTES_TYPE, env,
                              args.v[4]);
        }
        if (r == -EPROTOTYPE) {
            return NULL; /* thrown */
        }
    }
    return note_answer(own, number, r);
}

/* httpGive(exchange, body, status, set): likewise, with a set of headers that httpLearn() was
 * given. */
napi_value sn_http_give(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    uint32_t number, status = 0, set = UINT32_MAX;
    int r;

    if (!slot || slot->is_done) {
        return NULL;
    }
    number = sn_http_number_of(own->http, slot);
    napi_get_value_uint32(env, args.v[2], &status);
    napi_get_value_uint32(env, args.v[3], &set);
    r = respond_simply(slot, own, status, set, args.v[1]);
    return r == -EPROTOTYPE ? NULL : note_answer(own, number, r);
}

/* httpStart(exchange, status, headers, nHeaders): the head of an answer in pieces. */
napi_value sn_http_start(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct facts facts;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    int32_t status = 0;

    if (!slot || slot->is_done) {
        return NULL;
    }
    napi_get_value_int32(env, args.v[1], &status);
    if (!take_headers(own, slot, args.v[2], args.v[3], &facts)) {
        return NULL;
    }
    return result_of(own, sunpath_http_start(slot->exchange, status, facts.length));
}

/* httpWrite(exchange, bytes): 1 when an event will tell that there is room again. */
napi_value sn_http_write(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    const void *data;
    size_t size;

    if (!slot || slot->is_done || !sn_get_bytes(env, args.v[1], "chunk", &data, &size)) {
        return NULL;
    }
    return result_of(own, sunpath_http_write(slot->exchange, data, size));
}

napi_value sn_http_end(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);

    if (!slot || slot->is_done) {
        return NULL;
    }
    slot->is_done = true;
    return result_of(own, sunpath_http_end(slot->exchange));
}

/* httpFail(exchange, status): an error in the engine's words, or the connection is cut. */
napi_value sn_http_fail(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    int32_t status = 0;
    int r;

    if (!slot || slot->is_done) {
        return NULL;
    }
    napi_get_value_int32(env, args.v[1], &status);
    slot->is_done = true;
    r = sunpath_http_status(slot->exchange) != 0 ? sunpath_http_abort(slot->exchange)
                                                 : sunpath_http_fail(slot->exchange, status, NULL);
    return result_of(own, r);
}

/* httpHold(exchange, isHeld): whether the client may send more of the body. */
napi_value sn_http_hold(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    bool is_held = false;

    if (!slot) {
        return NULL;
    }
    napi_get_value_bool(env, args.v[1], &is_held);
    if (is_held) {
        sunpath_http_pause(slot->exchange);
    } else {
        sunpath_http_resume(slot->exchange);
    }
    return result_of(own, 0);
}

/* httpBody(exchange): a Buffer of the collected body; undefined when the exchange is over. */
napi_value sn_http_body(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);
    napi_value buffer = NULL;
    const void *data;
    size_t size;

    if (!slot) {
        return NULL;
    }
    data = sunpath_http_body(slot->exchange, &size);
    napi_create_buffer_copy(env, size, data, NULL, &buffer);
    return buffer;
}

/* httpFd(exchange): the connection's descriptor, borrowed; below 0 when the exchange is over. */
napi_value sn_http_fd(napi_env env, napi_callback_info info) {
    struct sn_args args;
    struct sn_env *own;
    struct sn_http_slot *slot = read_call(&args, &own, env, info);

    return sn_int(env, slot ? sunpath_http_fd(slot->exchange) : -EBADF);
}
