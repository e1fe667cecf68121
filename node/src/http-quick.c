/* SPDX-License-Identifier: MIT */
/* http-quick.c - requests and simple answers by memory that lib/ and this side see alike. */

#include "http-quick.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sunpath/http-server.h>

#include "addon.h"
#include "env.h"
#include "value.h"

/* Of `words`; lib/http-quick.js has the same numbers. */
enum {
    NUMBER, /* the request's, and how its body comes */
    KIND,
    HEAD_AT, /* in `heads` */
    HEAD_SIZE,
    STATUS, /* the answer's; 0: 200 */
    SET,    /* and its headers; none when there is no such set */
    N_WORDS
};

#define SET_MAX  1024 /* bytes of names and values */
#define N_FIELDS 16

struct sn_http_set {
    const char *type; /* NULL: it has none */
    size_t n;
    struct {
        const char *name, *value;
    } fields[N_FIELDS]; /* all the others */
    char text[SET_MAX];
};

void sn_http_quick_deinit(struct sn_http_quick *quick) {
    for (size_t i = 0; i < SN_HTTP_N_SETS; i++) {
        free(quick->sets[i]);
        quick->sets[i] = NULL;
    }
}

bool sn_http_quick_note(struct sn_env *own, uint32_t number, uint32_t kind, const char *head,
                        size_t size) {
    struct sn_http_quick *quick = &own->http_quick;
    bool fits = size <= quick->n_heads - quick->n_used;

    quick->words[NUMBER] = number;
    quick->words[KIND] = kind;
    quick->words[STATUS] = 0;
    quick->words[SET] = SN_HTTP_N_SETS;
    if (fits) {
        memcpy(quick->heads + quick->n_used, head, size);
        quick->words[HEAD_AT] = (uint32_t)quick->n_used;
        quick->words[HEAD_SIZE] = (uint32_t)size;
        quick->n_used += size;
    }
    return fits;
}

void sn_http_quick_answer(const struct sn_env *own, uint32_t *ret_status, uint32_t *ret_set) {
    *ret_status = own->http_quick.words[STATUS];
    *ret_set = own->http_quick.words[SET];
}

const char *sn_http_quick_dress(const struct sn_env *own, uint32_t number,
                                struct sunpath_http_exchange *exchange) {
    const struct sn_http_set *set = number < SN_HTTP_N_SETS ? own->http_quick.sets[number] : NULL;

    for (size_t i = 0; set && i < set->n; i++) {
        sunpath_http_add_header(exchange, set->fields[i].name, set->fields[i].value);
    }
    return set ? set->type : NULL;
}

bool sn_http_is_engine_s(const char *name, const char *value, int64_t *ret_length) {
    static const char *const others[] = {"Transfer-Encoding", "Connection", "Keep-Alive", "Date",
                                         "Server"};
    char *end;

    if (strcasecmp(name, "Content-Length") == 0) {
        long long length = strtoll(value, &end, 10);

        *ret_length = value[0] >= '0' && value[0] <= '9' && *end == '\0' ? length : -1;
        return true;
    }
    for (size_t i = 0; i < SN_ARRAY_SIZE(others); i++) {
        if (strcasecmp(name, others[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes "name NUL value NUL ..." apart; false when there is more than a set holds. */
static bool read_set(struct sn_http_set *set, size_t size, uint32_t n) {
    char *at = set->text;
    const char *end = at + size;
    int64_t length;

    for (; n > 0 && at < end && set->n < N_FIELDS; n--) {
        const char *name = at, *value = name + strlen(name) + 1;

        if (value >= end) {
            return false;
        }
        at = (char *)value + strlen(value) + 1;
        if (sn_http_is_engine_s(name, value, &length)) {
            continue;
        }
        if (!set->type && strcasecmp(name, "Content-Type") == 0) {
            set->type = value;
        } else {
            set->fields[set->n].name = name;
            set->fields[set->n++].value = value;
        }
    }
    return n == 0 && at == end;
}

napi_value sn_http_learn(napi_env env, napi_callback_info info) {
    struct sn_http_quick *quick = &sn_env_of(env)->http_quick;
    _cleanup_(sn_freep) struct sn_http_set *set = calloc(1, sizeof(*set));
    int64_t number, n;
    struct sn_args args;
    size_t size = 0;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "number", 0, SN_HTTP_N_SETS - 1, &number) ||
        !sn_get_int(env, args.v[2], "count", 0, N_FIELDS, &n)) {
        return NULL;
    }
    if (!set || napi_get_value_string_latin1(env, args.v[1], set->text, SET_MAX, &size) ||
        size == SET_MAX - 1 || !read_set(set, size, (uint32_t)n)) {
        return sn_bool(env, false);
    }
    free(quick->sets[number]);
    quick->sets[number] = set;
    set = NULL;
    return sn_bool(env, true);
}

napi_value sn_http_set_memory(napi_env env, napi_callback_info info) {
    struct sn_http_quick *quick = &sn_env_of(env)->http_quick;
    const void *words, *heads;
    size_t n_words, n_heads;
    struct sn_args args;

    sn_args_read(&args, env, info);
    if (!sn_get_bytes(env, args.v[0], "words", &words, &n_words) ||
        !sn_get_bytes(env, args.v[1], "heads", &heads, &n_heads)) {
        return NULL;
    }
    if (n_words < N_WORDS * sizeof(uint32_t) || n_heads > UINT32_MAX) {
        sn_fail_range(env, "words", "as large as http-quick.c says");
        return NULL;
    }
    if (sn_value_hold(env, args.v[0], &quick->words_ref) &&
        sn_value_hold(env, args.v[1], &quick->heads_ref)) {
        quick->words = (uint32_t *)words;
        quick->heads = (char *)heads;
        quick->n_heads = n_heads;
        quick->n_used = 0;
    }
    return NULL;
}
