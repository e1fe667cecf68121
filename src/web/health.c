/* SPDX-License-Identifier: MIT */
/* health.c - is it alive, and should it get requests? */

#include <sunpath/health.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"

#define N_WHY    256
#define N_ANSWER (1024 * 1024)

struct check {
    struct check *next;
    char *name;
    int (*ask)(char *why, size_t n_why, void *user); /* NULL: it is told */
    void *user;
    char *why; /* what was told; NULL: all is well */
};

struct sunpath_health {
    struct check *first;
};

/* ---- checks ---------------------------------------------------------------------------------- */

/* Where the check of that name hangs, or where it would. */
static struct check **place_of(struct sunpath_health *health, const char *name) {
    struct check **at = &health->first;

    while (*at && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct check *new_check(const char *name) {
    struct check *check = calloc(1, sizeof(*check));

    if (check && !(check->name = strdup(name))) {
        free(check);
        return NULL;
    }
    return check;
}

int sunpath_health_add(struct sunpath_health *health, const char *name,
                       int (*ask)(char *why, size_t n_why, void *user), void *user) {
    struct check **at = place_of(health, name), *check;

    if (!ask) {
        return -EINVAL;
    }
    if (*at) {
        return -EEXIST;
    }
    check = new_check(name);
    if (!check) {
        return -ENOMEM;
    }
    check->ask = ask;
    check->user = user;
    *at = check;
    return 0;
}

int sunpath_health_set(struct sunpath_health *health, const char *name, const char *why) {
    struct check **at = place_of(health, name), *check = *at;
    char *copy = NULL;

    if (check && check->ask) {
        return -EEXIST;
    }
    if (why && !(copy = strdup(why))) {
        return -ENOMEM;
    }
    if (!check && !(check = *at = new_check(name))) {
        free(copy);
        return -ENOMEM;
    }
    free(check->why);
    check->why = copy;
    return 0;
}

int sunpath_health_new(struct sunpath_health **ret) {
    struct sunpath_health *health = calloc(1, sizeof(*health));

    if (!health) {
        return -ENOMEM;
    }
    *ret = health;
    return 0;
}

struct sunpath_health *sunpath_health_free(struct sunpath_health *health) {
    while (health && health->first) {
        struct check *check = health->first;

        health->first = check->next;
        free(check->name);
        free(check->why);
        free(check);
    }
    free(health);
    return NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

static int put(struct sp_buffer *out, const char *text) {
    return sp_buffer_append(out, text, strlen(text), N_ANSWER);
}

static int put_text(struct sp_buffer *out, const char *text) {
    size_t size = strnlen(text, N_WHY);
    char *at;
    int r = sp_buffer_reserve(out, &at, SP_JSON_TEXT_ROOM(size), N_ANSWER);

    if (r >= 0) {
        sp_buffer_commit(out, (size_t)(sp_put_json_text(at, text, size) - at));
    }
    return r;
}

/* One check's outcome. Returns 1 when all is well, 0 when not. */
static int put_check(struct sp_buffer *out, const struct check *check, const char *before) {
    char room[N_WHY] = "";
    const char *why = check->why;
    bool is_well = check->ask ? check->ask(room, sizeof(room), check->user) == 0 : !why;
    int r;

    room[sizeof(room) - 1] = '\0';
    why = check->ask ? room : why;
    r = put(out, before);
    r = r < 0 ? r : put_text(out, check->name);
    r = r < 0 ? r : put(out, is_well ? ":{\"status\":\"ok\"}" : ":{\"status\":\"failed\",\"why\":");
    if (r >= 0 && !is_well) {
        r = put_text(out, why && *why ? why : "failed");
        r = r < 0 ? r : put(out, "}");
    }
    return r < 0 ? r : is_well;
}

/* Returns 1 when all is well, 0 when not. */
static int put_checks(struct sp_buffer *out, const struct sunpath_health *health) {
    const struct check *check;
    bool is_well = true;
    int r = 1;

    for (check = health->first; r >= 0 && check; check = check->next) {
        r = put_check(out, check, check == health->first ? "" : ",");
        is_well = is_well && r == 1;
    }
    return r < 0 ? r : is_well;
}

static void respond(struct sunpath_http_exchange *exchange, int status, const char *word,
                    const struct sp_buffer *checks) {
    struct sp_buffer out = {NULL};
    int r;

    r = put(&out, "{\"status\":\"");
    r = r < 0 ? r : put(&out, word);
    r = r < 0 ? r : put(&out, "\"");
    if (sp_buffer_size(checks) > 0) {
        r = r < 0 ? r : put(&out, ",\"checks\":{");
        r = r < 0
                ? r
                : sp_buffer_append(&out, sp_buffer_bytes(checks), sp_buffer_size(checks), N_ANSWER);
        r = r < 0 ? r : put(&out, "}");
    }
    r = r < 0 ? r : put(&out, "}\n");
    r = r < 0 ? r : sunpath_http_add_header(exchange, "Cache-Control", "no-store");
    if (r < 0) {
        (void)sunpath_http_fail(exchange, 503, NULL);
    } else {
        (void)sunpath_http_respond(exchange, status, "application/json", sp_buffer_bytes(&out),
                                   sp_buffer_size(&out));
    }
    sp_buffer_deinit(&out);
}

void sunpath_health_respond_alive(struct sunpath_http_exchange *exchange, void *user) {
    const struct sp_buffer none = {NULL};

    (void)user;
    respond(exchange, 200, "ok", &none);
}

void sunpath_health_respond_ready(struct sunpath_http_exchange *exchange, void *user) {
    bool is_draining = sunpath_http_server_is_draining(sunpath_http_exchange_server(exchange));
    struct sp_buffer checks = {NULL};
    int r = put_checks(&checks, user);

    if (r < 0) {
        (void)sunpath_http_fail(exchange, 503, NULL);
    } else {
        respond(exchange, r == 1 && !is_draining ? 200 : 503,
                is_draining ? "draining"
                : r == 1    ? "ok"
                            : "failed",
                &checks);
    }
    sp_buffer_deinit(&checks);
}
