/* SPDX-License-Identifier: MIT */
/* cookie.c - the Set-Cookie header: name, value and attributes. */

#include "wire/cookie.h"

#include <string.h>
#include <strings.h>

#define MAX_AGE (400LL * 24 * 3600) /* RFC 6265bis 5.6.1 */

static struct sp_slice trim(const char *from, const char *to) {
    while (from < to && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (to > from && (to[-1] == ' ' || to[-1] == '\t')) {
        to--;
    }
    return (struct sp_slice){from, (size_t)(to - from)};
}

static bool is_named(struct sp_slice slice, const char *name) {
    return slice.size == strlen(name) && strncasecmp(slice.data, name, slice.size) == 0;
}

static bool begins(struct sp_slice slice, const char *prefix) {
    size_t n = strlen(prefix);

    return slice.size >= n && strncasecmp(slice.data, prefix, n) == 0;
}

static bool has_control(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Takes what lies before the next ";" and moves *at behind that; NULL data at the end. */
static struct sp_slice next_part(const char **at, const char *end) {
    const char *from = *at, *to;

    if (!from) {
        return (struct sp_slice){0};
    }
    to = memchr(from, ';', (size_t)(end - from));
    *at = to ? to + 1 : NULL;
    return (struct sp_slice){from, (size_t)((to ? to : end) - from)};
}

static int64_t at_most(int64_t time, int64_t now) {
    return time > now + MAX_AGE ? now + MAX_AGE : time;
}

/* "-" and digits, or digits. What is not a number is not there; no number is too long. */
static bool read_max_age(int64_t *ret, struct sp_slice value, int64_t now) {
    int64_t seconds = 0;
    bool is_negative = value.size > 0 && value.data[0] == '-';

    if (value.size == (is_negative ? 1 : 0)) {
        return false;
    }
    for (size_t i = is_negative; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        seconds = seconds * 10 + (value.data[i] - '0');
        seconds = seconds > MAX_AGE ? MAX_AGE : seconds;
    }
    *ret = is_negative || seconds == 0 ? 0 : now + seconds;
    return true;
}

struct attributes {
    int64_t max_age;
    bool has_max_age;
};

static void take_attribute(struct sp_set_cookie *cookie, struct attributes *attributes,
                           struct sp_slice part, int64_t now) {
    const char *end = part.data + part.size;
    const char *equals = memchr(part.data, '=', part.size);
    struct sp_slice name = trim(part.data, equals ? equals : end);
    struct sp_slice value = trim(equals ? equals + 1 : end, end);
    int64_t time;

    if (value.size > SP_COOKIE_MAX_ATTRIBUTE) {
        return;
    }
    if (is_named(name, "Expires") && sp_cookie_date(&time, value.data, value.size)) {
        cookie->expires = at_most(time, now);
    } else if (is_named(name, "Max-Age") && read_max_age(&time, value, now)) {
        attributes->max_age = time;
        attributes->has_max_age = true;
    } else if (is_named(name, "Path")) {
        bool is_absolute = value.size > 0 && value.data[0] == '/';

        cookie->path = is_absolute ? value : (struct sp_slice){0};
    } else if (is_named(name, "Domain")) {
        cookie->has_domain = value.size > 0;
    } else if (is_named(name, "Secure")) {
        cookie->is_secure = true;
    } else if (is_named(name, "HttpOnly")) {
        cookie->is_http_only = true;
    }
}

/* What a prefix promises to the server (RFC 6265bis 5.7), in any case, as browsers see it. */
static bool keeps_promise(const struct sp_set_cookie *cookie) {
    struct sp_slice name = cookie->name.size > 0 ? cookie->name : cookie->value;
    bool is_host = begins(name, "__Host-");

    if (!is_host && !begins(name, "__Secure-")) {
        return true;
    }
    return cookie->name.size > 0 && cookie->is_secure &&
           (!is_host || (!cookie->has_domain && cookie->path.size == 1));
}

/* A tab within may be sent (RFC 6265bis 5.6), but files of cookies are columns with tabs between.
 */
static bool has_tab(struct sp_slice slice) {
    return slice.size > 0 && memchr(slice.data, '\t', slice.size);
}

static void split_pair(struct sp_set_cookie *cookie, struct sp_slice pair) {
    const char *end = pair.data + pair.size;
    const char *equals = memchr(pair.data, '=', pair.size);

    cookie->name = trim(pair.data, equals ? equals : pair.data);
    cookie->value = trim(equals ? equals + 1 : pair.data, end);
}

bool sp_set_cookie_parse(struct sp_set_cookie *ret, const char *text, size_t size, int64_t now) {
    struct attributes attributes = {0};
    const char *at = text, *end = text + size;
    struct sp_slice part;

    *ret = (struct sp_set_cookie){.expires = SP_COOKIE_SESSION};
    if (has_control(text, size)) {
        return false;
    }
    split_pair(ret, next_part(&at, end));
    if (ret->name.size + ret->value.size == 0 ||
        ret->name.size + ret->value.size > SP_COOKIE_MAX_PAIR || has_tab(ret->name) ||
        has_tab(ret->value)) {
        return false;
    }
    while ((part = next_part(&at, end)).data) {
        take_attribute(ret, &attributes, part, now);
    }
    if (attributes.has_max_age) {
        ret->expires = attributes.max_age;
    }
    return !has_tab(ret->path) && keeps_promise(ret);
}

/* ---- paths ----------------------------------------------------------------------------------- */

struct sp_slice sp_cookie_default_path(struct sp_slice path) {
    const char *slash =
        path.size > 0 && path.data[0] == '/' ? memrchr(path.data, '/', path.size) : NULL;

    if (!slash || slash == path.data) {
        return (struct sp_slice){"/", 1};
    }
    return (struct sp_slice){path.data, (size_t)(slash - path.data)};
}

bool sp_cookie_path_matches(struct sp_slice cookie_path, struct sp_slice path) {
    if (cookie_path.size > path.size ||
        memcmp(cookie_path.data, path.data, cookie_path.size) != 0) {
        return false;
    }
    return cookie_path.size == path.size || cookie_path.data[cookie_path.size - 1] == '/' ||
           path.data[cookie_path.size] == '/';
}
