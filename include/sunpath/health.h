/* SPDX-License-Identifier: MIT */
/* health.h - is it alive, and should it get requests? Named checks for supervisors and proxies. */

#ifndef SUNPATH_HEALTH_H
#define SUNPATH_HEALTH_H

#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sunpath_health;

SUNPATH_API int sunpath_health_new(struct sunpath_health **ret);
/* Accepts NULL, returns NULL. */
SUNPATH_API struct sunpath_health *sunpath_health_free(struct sunpath_health *health);

/*
 * A check that is asked each time: `check` returns 0 when all is well, else it may say why in
 * `why`, which has room for `n_why` bytes. It must not wait for anything. -EEXIST, -ENOMEM.
 */
SUNPATH_API int sunpath_health_add(struct sunpath_health *health, const char *name,
                                   int (*check)(char *why, size_t n_why, void *user), void *user);

/*
 * A check whose outcome is told, for what takes time to find out: `why` is NULL when all is well,
 * else one sentence (copied). The first call adds it. -EEXIST: it is one that is asked. -ENOMEM.
 */
SUNPATH_API int sunpath_health_set(struct sunpath_health *health, const char *name,
                                   const char *why);

/*
 * Handlers for GET and HEAD; `user` is the struct sunpath_health, as sunpath_router_on() takes it.
 * Alive: 200 as long as the loop runs. Ready: 200, or 503 when a check fails or the server drains.
 * The answer is JSON: {"status":"ok","checks":{"database":{"status":"failed","why":"..."}}} with
 * "ok", "failed" or "draining".
 */
SUNPATH_API void sunpath_health_respond_alive(struct sunpath_http_exchange *exchange, void *user);
SUNPATH_API void sunpath_health_respond_ready(struct sunpath_http_exchange *exchange, void *user);

#ifdef __cplusplus
}
#endif

#endif
