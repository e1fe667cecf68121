/* SPDX-License-Identifier: MIT */
/* http-quick.h - requests and simple answers by memory that lib/ and this side see alike. */

#ifndef SN_HTTP_QUICK_H
#define SN_HTTP_QUICK_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sn_env;
struct sunpath_http_exchange;

#define SN_HTTP_N_SETS 4

struct sn_http_quick {
    uint32_t *words; /* laid out as http-quick.c says; NULL until setHttpMemory() */
    char *heads;     /* where the heads of requests are copied, one behind the other */
    size_t n_heads, n_used;
    napi_ref words_ref, heads_ref;
    struct sn_http_set *sets[SN_HTTP_N_SETS]; /* headers that answers have in common */
};

void sn_http_quick_deinit(struct sn_http_quick *quick);

/*
 * Notes what a request is. False when its head has no room there: it is to be passed as a string.
 */
bool sn_http_quick_note(struct sn_env *own, uint32_t number, uint32_t kind, const char *head,
                        size_t size);

/* What JavaScript has said of its answer, beside the body that it returned. */
void sn_http_quick_answer(const struct sn_env *own, uint32_t *ret_status, uint32_t *ret_set);

/* Adds the headers of a set, if there is such a one, but for Content-Type, which it returns; or
 * NULL. */
const char *sn_http_quick_dress(const struct sn_env *own, uint32_t set,
                                struct sunpath_http_exchange *exchange);

/* Headers that the engine writes itself; of Content-Length it needs to know. */
bool sn_http_is_engine_s(const char *name, const char *value, int64_t *ret_length);

/* setHttpMemory(words, heads): anew when `heads` is full. */
napi_value sn_http_set_memory(napi_env env, napi_callback_info info);
/* httpLearn(number, headers, n): answers can have these headers by that number from now on. */
napi_value sn_http_learn(napi_env env, napi_callback_info info);

#endif
