/* SPDX-License-Identifier: MIT */
/* http-cookies.c - the cookies of one server. */

#include "client/http-cookies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/list.h"
#include "wire/cookie.h"

#define MAX_COOKIES 150
#define MAX_BYTES   (64 * 1024)
#define MAX_LINE    8190

struct cookie {
    struct sp_list node;
    struct sunpath_http_cookie parts; /* its strings follow the struct */
    size_t n_name, n_value, n_path;
    int64_t expires; /* SP_COOKIE_SESSION: with the program */
    uint64_t used;   /* when it was set or sent, by the jar's own clock */
};

struct sunpath_http_cookies {
    struct sp_list list; /* longer paths first, of equal ones the oldest: as they are sent */
    size_t n_cookies;
    size_t n_bytes;
    uint64_t clock;
    bool is_bound;
    bool is_trustworthy; /* Secure cookies, too */
    struct sunpath_address address;
};

static struct cookie *cookie_of(struct sp_list *node) {
    return sp_container_of(node, struct cookie, node);
}

static size_t bytes_of(const struct cookie *cookie) {
    return sizeof(*cookie) + cookie->n_name + cookie->n_value + cookie->n_path + 3;
}

static struct sp_slice path_of(const struct cookie *cookie) {
    return (struct sp_slice){cookie->parts.path, cookie->n_path};
}

int sunpath_http_cookies_new(struct sunpath_http_cookies **ret) {
    struct sunpath_http_cookies *cookies = calloc(1, sizeof(*cookies));

    if (!cookies) {
        return -ENOMEM;
    }
    sp_list_init(&cookies->list);
    cookies->is_trustworthy = true;
    *ret = cookies;
    return 0;
}

static void drop(struct sunpath_http_cookies *cookies, struct cookie *cookie) {
    sp_list_remove(&cookie->node);
    cookies->n_cookies--;
    cookies->n_bytes -= bytes_of(cookie);
    free(cookie);
}

struct sunpath_http_cookies *sunpath_http_cookies_free(struct sunpath_http_cookies *cookies) {
    while (cookies && cookies->n_cookies > 0) {
        drop(cookies, cookie_of(cookies->list.next));
    }
    free(cookies);
    return NULL;
}

int sp_http_cookies_bind(struct sunpath_http_cookies *cookies,
                         const struct sunpath_address *address) {
    const struct sunpath_address *ours = &cookies->address;

    if (!cookies->is_bound) {
        cookies->address = *address;
        cookies->address.uri = NULL;
        cookies->is_bound = true;
        cookies->is_trustworthy = address->kind != SUNPATH_ADDRESS_TCP;
        return 0;
    }
    return ours->kind == address->kind && ours->number == address->number &&
                   ours->is_padded == address->is_padded && ours->n_name == address->n_name &&
                   memcmp(ours->name, address->name, ours->n_name) == 0
               ? 0
               : -EINVAL;
}

/* ---- putting in ------------------------------------------------------------------------------ */

static struct cookie *make(const struct sp_set_cookie *given, struct sp_slice path) {
    struct cookie *cookie =
        malloc(sizeof(*cookie) + given->name.size + given->value.size + path.size + 3);
    bool is_session = given->expires == SP_COOKIE_SESSION;
    char *at;

    if (!cookie) {
        return NULL;
    }
    *cookie = (struct cookie){
        .n_name = given->name.size,
        .n_value = given->value.size,
        .n_path = path.size,
        .expires = given->expires,
        .parts = {.expires = is_session ? 0 : given->expires,
                  .is_secure = given->is_secure,
                  .is_http_only = given->is_http_only},
    };
    at = (char *)(cookie + 1);
    cookie->parts.name = at;
    at = mempcpy(at, given->name.data, given->name.size);
    *at++ = '\0';
    cookie->parts.value = at;
    at = mempcpy(at, given->value.data, given->value.size);
    *at++ = '\0';
    cookie->parts.path = at;
    at = mempcpy(at, path.data, path.size);
    *at = '\0';
    return cookie;
}

static struct cookie *find(const struct sunpath_http_cookies *cookies, const struct cookie *like) {
    for (struct sp_list *node = cookies->list.next; node != &cookies->list; node = node->next) {
        struct cookie *cookie = cookie_of(node);

        if (cookie->n_name == like->n_name && cookie->n_path == like->n_path &&
            strcmp(cookie->parts.name, like->parts.name) == 0 &&
            strcmp(cookie->parts.path, like->parts.path) == 0) {
            return cookie;
        }
    }
    return NULL;
}

/* Behind those with a path as long, which are older. */
static struct sp_list *place_for(struct sunpath_http_cookies *cookies,
                                 const struct cookie *cookie) {
    struct sp_list *node = cookies->list.next;

    while (node != &cookies->list && cookie_of(node)->n_path >= cookie->n_path) {
        node = node->next;
    }
    return node;
}

static void drop_expired(struct sunpath_http_cookies *cookies, int64_t now) {
    struct sp_list *node = cookies->list.next;

    while (node != &cookies->list) {
        struct cookie *cookie = cookie_of(node);

        node = node->next;
        if (cookie->expires <= now) {
            drop(cookies, cookie);
        }
    }
}

static void drop_least_used(struct sunpath_http_cookies *cookies) {
    struct cookie *least = cookie_of(cookies->list.next);

    for (struct sp_list *node = cookies->list.next; node != &cookies->list; node = node->next) {
        if (cookie_of(node)->used < least->used) {
            least = cookie_of(node);
        }
    }
    drop(cookies, least);
}

static int put_in(struct sunpath_http_cookies *cookies, const struct sp_set_cookie *given,
                  struct sp_slice path, int64_t now) {
    struct cookie *cookie = make(given, path);
    struct cookie *old;
    struct sp_list *place;

    if (!cookie) {
        return -ENOMEM;
    }
    old = find(cookies, cookie);
    place = old ? old->node.next : place_for(cookies, cookie);
    if (old) {
        drop(cookies, old);
    }
    if (cookie->expires <= now) {
        free(cookie);
        return 0;
    }
    cookie->used = ++cookies->clock;
    sp_list_append(place, &cookie->node); /* that is: before it */
    cookies->n_cookies++;
    cookies->n_bytes += bytes_of(cookie);
    drop_expired(cookies, now);
    while (cookies->n_cookies > MAX_COOKIES || cookies->n_bytes > MAX_BYTES) {
        drop_least_used(cookies);
    }
    return 0;
}

static int set(struct sunpath_http_cookies *cookies, struct sp_slice path, const char *set_cookie) {
    struct sp_set_cookie given;
    int64_t now = time(NULL);

    if (!sp_set_cookie_parse(&given, set_cookie, strlen(set_cookie), now) ||
        (given.is_secure && !cookies->is_trustworthy)) {
        return -EINVAL;
    }
    return put_in(cookies, &given, given.path.data ? given.path : sp_cookie_default_path(path),
                  now);
}

void sp_http_cookies_store(struct sunpath_http_cookies *cookies, struct sp_slice path,
                           const char *set_cookie) {
    (void)set(cookies, path, set_cookie);
}

int sunpath_http_cookies_set(struct sunpath_http_cookies *cookies, const char *set_cookie,
                             const char *path) {
    return set(cookies, (struct sp_slice){path, strlen(path)}, set_cookie);
}

/* May it stand in a Set-Cookie and be read back the same? */
static bool is_well_formed(const struct sunpath_http_cookie *cookie) {
    const char *const texts[] = {cookie->name, cookie->value, cookie->path};

    if (!cookie->name || !cookie->value || strpbrk(cookie->name, "=") ||
        (cookie->path && cookie->path[0] != '/')) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        for (const char *at = texts[i]; at && *at; at++) {
            if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == ';') {
                return false;
            }
        }
    }
    return true;
}

int sunpath_http_cookies_add(struct sunpath_http_cookies *cookies,
                             const struct sunpath_http_cookie *cookie) {
    const char *path = cookie->path ? cookie->path : "/";
    struct sp_set_cookie given;

    if (!is_well_formed(cookie)) {
        return -EINVAL;
    }
    given = (struct sp_set_cookie){
        .name = {cookie->name, strlen(cookie->name)},
        .value = {cookie->value, strlen(cookie->value)},
        .expires = cookie->expires ? cookie->expires : SP_COOKIE_SESSION,
        .is_secure = cookie->is_secure,
        .is_http_only = cookie->is_http_only,
    };
    if (given.name.size + given.value.size > SP_COOKIE_MAX_PAIR ||
        strlen(path) > SP_COOKIE_MAX_ATTRIBUTE) {
        return -EMSGSIZE;
    }
    return put_in(cookies, &given, (struct sp_slice){path, strlen(path)}, time(NULL));
}

/* ---- taking out ------------------------------------------------------------------------------ */

bool sunpath_http_cookies_at(const struct sunpath_http_cookies *cookies, size_t index,
                             struct sunpath_http_cookie *ret) {
    struct sp_list *node = cookies->list.next;

    for (; node != &cookies->list && index > 0; index--) {
        node = node->next;
    }
    if (node == &cookies->list) {
        return false;
    }
    *ret = cookie_of(node)->parts;
    return true;
}

static bool names(struct sp_slice own, const struct cookie *cookie) {
    const char *at = own.data;
    struct sp_uri_pair pair;

    while (at && sp_cookie_next(&pair, &at, own.data + own.size)) {
        if (pair.name.size == cookie->n_name &&
            memcmp(pair.name.data, cookie->parts.name, pair.name.size) == 0) {
            return true;
        }
    }
    return false;
}

static int put(struct sp_buffer *line, const char *before, const char *text, size_t size) {
    int r = sp_buffer_append(line, before, strlen(before), SIZE_MAX / 2);

    return r < 0 ? r : sp_buffer_append(line, text, size, SIZE_MAX / 2);
}

static int put_cookie(struct sp_buffer *line, const char *before, const struct cookie *cookie) {
    int r = put(line, before, cookie->parts.name, cookie->n_name);

    /* one without a name is its value alone */
    return r < 0 ? r
                 : put(line, cookie->n_name > 0 ? "=" : "", cookie->parts.value, cookie->n_value);
}

int sp_http_cookies_put(struct sunpath_http_cookies *cookies, struct sp_buffer *line,
                        struct sp_slice path, struct sp_slice own) {
    size_t n_put = 0, n_line = own.size;
    int r = 0;

    drop_expired(cookies, time(NULL));
    for (struct sp_list *node = cookies->list.next; node != &cookies->list; node = node->next) {
        struct cookie *cookie = cookie_of(node);
        size_t size = cookie->n_name + cookie->n_value + 3;

        if (!sp_cookie_path_matches(path_of(cookie), path) || names(own, cookie) ||
            (cookie->parts.is_secure && !cookies->is_trustworthy) || n_line + size > MAX_LINE) {
            continue;
        }
        if (n_put == 0) {
            r = put(line, "Cookie: ", own.data ? own.data : "", own.size);
        }
        r = r < 0 ? r : put_cookie(line, n_put > 0 || own.size > 0 ? "; " : "", cookie);
        if (r < 0) {
            return r;
        }
        cookie->used = ++cookies->clock;
        n_line += size;
        n_put++;
    }
    return n_put > 0 ? put(line, "", "\r\n", 2) : 0;
}
