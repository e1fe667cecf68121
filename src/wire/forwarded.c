/* SPDX-License-Identifier: MIT */
/* forwarded.c - Forwarded (RFC 7239) and the X-Forwarded-* lists. */

#include "wire/forwarded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "wire/http1.h"

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static void skip_space(const char **at, const char *end) {
    while (*at < end && is_space(**at)) {
        ++*at;
    }
}

/* ---- lists ----------------------------------------------------------------------------------- */

bool sp_forwarded_next_item(struct sp_slice *ret, const char **at, const char *end) {
    const char *from, *to;

    if (!*at) {
        return false;
    }
    skip_space(at, end);
    from = to = *at;
    while (to < end && *to != ',') {
        to++;
    }
    *at = to < end ? to + 1 : NULL;
    while (to > from && is_space(to[-1])) {
        to--;
    }
    *ret = (struct sp_slice){from, (size_t)(to - from)};
    return true;
}

/* ---- Forwarded ------------------------------------------------------------------------------- */

/* A token's end. */
static const char *behind_token(const char *at, const char *end) {
    while (at < end && sp_http_is_token(at, 1)) {
        at++;
    }
    return at;
}

/* token / quoted-string. False: neither. `*has_escape`: a backslash is in it. */
static bool take_value(struct sp_slice *ret, const char **at, const char *end, bool *has_escape) {
    const char *from = *at, *to;

    *has_escape = false;
    if (from == end || *from != '"') {
        to = *at = behind_token(from, end);
        *ret = (struct sp_slice){from, (size_t)(to - from)};
        return to > from;
    }
    for (to = ++from; to < end && *to != '"'; to++) {
        if (*to == '\\') {
            *has_escape = true;
            if (++to == end) {
                return false;
            }
        }
    }
    if (to == end) {
        return false;
    }
    *ret = (struct sp_slice){from, (size_t)(to - from)};
    *at = to + 1;
    return true;
}

static struct sp_slice *part_of(struct sp_forwarded *element, const char *name, size_t size) {
    if (size == 3 && strncasecmp(name, "for", 3) == 0) {
        return &element->node;
    }
    if (size == 4 && strncasecmp(name, "host", 4) == 0) {
        return &element->host;
    }
    return size == 5 && strncasecmp(name, "proto", 5) == 0 ? &element->proto : NULL;
}

/* token "=" value */
static bool take_pair(struct sp_forwarded *element, const char **at, const char *end) {
    const char *name = *at, *behind = behind_token(name, end);
    struct sp_slice value, *part;
    bool has_escape;

    if (behind == name || behind == end || *behind != '=') {
        return false;
    }
    *at = behind + 1;
    if (!take_value(&value, at, end, &has_escape)) {
        return false;
    }
    part = part_of(element, name, (size_t)(behind - name));
    if (part && (part->data || has_escape)) {
        return false;
    }
    if (part) {
        *part = value;
    }
    return true;
}

int sp_forwarded_next(struct sp_forwarded *ret, const char **at, const char *end) {
    *ret = (struct sp_forwarded){.node.data = NULL};
    if (!*at) {
        return 0;
    }
    for (;;) {
        skip_space(at, end);
        if (*at < end && **at != ';' && **at != ',' && !take_pair(ret, at, end)) {
            return -EBADMSG;
        }
        skip_space(at, end);
        if (*at == end) {
            *at = NULL;
            return 1;
        }
        if (**at != ';' && **at != ',') {
            return -EBADMSG;
        }
        if (*(*at)++ == ',') {
            return 1;
        }
    }
}

/* ---- what may stand in the parts ------------------------------------------------------------- */

static bool is_of(struct sp_slice text, const char *more) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_letter && !(c >= '0' && c <= '9') && (!c || !strchr(more, c))) {
            return false;
        }
    }
    return text.size > 0;
}

static bool is_port(const char *text, size_t size) {
    size_t n = 0;

    while (n < size && text[n] >= '0' && text[n] <= '9') {
        n++;
    }
    /* RFC 7239 has an obfuscated port, too: "_" and a name. */
    return (n == size && n > 0 && n <= 5) ||
           (size > 1 && text[0] == '_' && is_of((struct sp_slice){text + 1, size - 1}, "._-"));
}

static bool is_ip(int family, struct sp_slice text) {
    char copy[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return strlen(copy) == text.size && inet_pton(family, copy, address) == 1;
}

static bool is_name(struct sp_slice text) {
    return (text.size == 7 && strncasecmp(text.data, "unknown", 7) == 0) ||
           (text.size > 1 && text.data[0] == '_' && is_of(text, "._-"));
}

bool sp_forwarded_address(struct sp_slice *ret, struct sp_slice text) {
    const char *colon;

    *ret = text;
    if (text.size == 0) {
        return false;
    }
    if (text.data[0] == '[') {
        const char *bracket = memchr(text.data, ']', text.size);
        size_t n_rest = bracket ? (size_t)(text.data + text.size - bracket) - 1 : 0;

        if (!bracket || (n_rest > 0 && (bracket[1] != ':' || !is_port(bracket + 2, n_rest - 1)))) {
            return false;
        }
        *ret = (struct sp_slice){text.data + 1, (size_t)(bracket - text.data) - 1};
        return is_ip(AF_INET6, *ret);
    }
    if (text.size == 5 && memcmp(text.data, "unix:", 5) == 0) {
        return true;
    }
    if (is_ip(AF_INET6, text)) {
        return true;
    }
    colon = memchr(text.data, ':', text.size);
    if (colon) {
        ret->size = (size_t)(colon - text.data);
        if (!is_port(colon + 1, text.size - ret->size - 1)) {
            return false;
        }
    }
    return is_ip(AF_INET, *ret) || is_name(*ret);
}

bool sp_forwarded_is_scheme(struct sp_slice text) {
    char first = text.size > 0 ? text.data[0] : '\0';

    return ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z')) && text.size <= 32 &&
           is_of(text, "+-.");
}

bool sp_forwarded_is_host(struct sp_slice text) {
    return text.size <= 255 + 6 && is_of(text, "-._~%[]:");
}
