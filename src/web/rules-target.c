/* SPDX-License-Identifier: MIT */
/* rules-target.c - where a redirect or rewrite leads: "/new/:page?from=:page". */

#include <errno.h>
#include <string.h>

#include "web/rules.h"

const char SP_RULE_NO_MEMORY[] = "out of memory";

/* ---- parameters ------------------------------------------------------------------------------ */

/* Which parameter from the left is it? -1: none of that name. */
static int index_of(const struct sp_pattern *pattern, struct sp_slice name) {
    int index = 0;

    for (size_t i = 0; i < pattern->n_segments; i++) {
        for (size_t k = 0; k < pattern->segments[i].n_params; k++, index++) {
            struct sp_slice each = pattern->segments[i].params[k].name;

            if (each.size == name.size && memcmp(each.data, name.data, name.size) == 0) {
                return index;
            }
        }
    }
    return -1;
}

static bool is_known(const struct sp_pattern *alternatives, struct sp_slice name) {
    for (; alternatives; alternatives = alternatives->next) {
        if (index_of(alternatives, name) >= 0) {
            return true;
        }
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_name_byte(char c, bool is_first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

static struct sp_rule_piece *add_piece(struct sp_rule_piece ***last, struct sp_arena *arena,
                                       const char *text, size_t size, bool is_param) {
    struct sp_rule_piece *piece = sp_arena_alloc(arena, sizeof(*piece));
    char *copy = sp_arena_copy(arena, text, size);

    if (!piece || !copy) {
        return NULL;
    }
    *piece = (struct sp_rule_piece){.text = {copy, size}, .is_param = is_param};
    **last = piece;
    *last = &piece->next;
    return piece;
}

/* Up to `end`; the first `n_plain` bytes have no parameters. */
static const char *read_pieces(struct sp_rule_piece **ret, struct sp_arena *arena, const char *text,
                               const char *end, size_t n_plain, const struct sp_pattern *pattern) {
    struct sp_rule_piece **last = ret;
    const char *at = text, *plain_end = text + n_plain;

    while (at < end) {
        const char *begin = at;
        bool is_param = at >= plain_end && (*at == ':' || *at == '*') && is_name_byte(at[1], true);

        if (is_param) {
            for (begin = ++at; at < end && is_name_byte(*at, at == begin); at++) {
            }
            if (!is_known(pattern, (struct sp_slice){begin, (size_t)(at - begin)})) {
                return "the target has a parameter that the pattern has not";
            }
        } else if (*at == '\\') {
            begin = at + 1;
            at += at + 1 < end ? 2 : 1;
        } else {
            for (at++; at < end && *at != '\\' && (at < plain_end || (*at != ':' && *at != '*'));
                 at++) {
            }
        }
        if (!add_piece(&last, arena, begin, (size_t)(at - begin), is_param)) {
            return SP_RULE_NO_MEMORY;
        }
    }
    return NULL;
}

/* Bytes of "https://host" before the path, 0 for a path. */
static size_t origin_size(const char *text) {
    const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : NULL;

    return host ? (size_t)(host - text) + strcspn(host, "/?#") : 0;
}

static bool has_dots(const char *path, size_t size) {
    const char *at = path, *end = path + size;

    while (at < end) {
        const char *stop = memchr(at, '/', (size_t)(end - at));
        size_t n;

        stop = stop ? stop : end;
        n = (size_t)(stop - at);
        if (n > 0 && n <= 2 && memcmp(at, "..", n) == 0) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* The text as it is written; NULL when all is well. */
static const char *check(const struct sp_rule *rule, const char *text, size_t n_origin,
                         size_t n_path) {
    char room[SP_RULES_MAX_LINE + 1];

    for (const char *at = text; *at; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"<>^`{|}", *at)) {
            return "the target has a character that has to be percent-encoded";
        }
        if (*at == '\\' && at[1] != ':' && at[1] != '*') {
            return "the target has a \\ that is not before : or *";
        }
    }
    if (text[n_origin] != '/' || (n_origin == 0 && text[1] == '/')) {
        return rule->kind == SP_RULE_REDIRECT
                   ? "the target is neither a path nor http:// or https://, a host and a path"
                   : "the target is not a path";
    }
    if (n_origin > 0 && (text[n_origin - 1] == '/' || memchr(text, '@', n_origin) ||
                         memchr(text, '\\', n_origin) || memchr(text, '*', n_origin))) {
        return "the target's host is not one";
    }
    if (has_dots(text + n_origin, n_path - n_origin)) {
        return "the target has a segment that is . or ..";
    }
    return sp_uri_decode(room, text, n_path, SP_URI_STRICT) < 0 ? "the target has a malformed %"
                                                                : NULL;
}

const char *sp_rule_read_target(struct sp_rule *rule, struct sp_arena *arena, const char *text,
                                const struct sp_pattern *pattern) {
    size_t n_origin = rule->kind == SP_RULE_REDIRECT ? origin_size(text) : 0;
    size_t n_path = strcspn(text, "?#"), n_all = strcspn(text, "#");
    const char *why = check(rule, text, n_origin, n_path);

    if (!why && text[n_all] && rule->kind != SP_RULE_REDIRECT) {
        why = "only a redirect's target has a fragment";
    }
    if (why) {
        return why;
    }
    rule->is_absolute = n_origin > 0;
    rule->has_query = text[n_path] == '?';
    rule->fragment = sp_arena_copy(arena, text + n_all, strlen(text + n_all));
    if (!rule->fragment) {
        return SP_RULE_NO_MEMORY;
    }
    why = read_pieces(&rule->path, arena, text, text + n_path, n_origin, pattern);
    return why || !rule->has_query
               ? why
               : read_pieces(&rule->query, arena, text + n_path + 1, text + n_all, 0, pattern);
}

/* ---- filling in ------------------------------------------------------------------------------ */

static bool stays(char c, bool is_query) {
    if (is_name_byte(c, false) || strchr("-.~", c)) {
        return c != '\0';
    }
    return !is_query && strchr("!$&'()*+,;=:@", c);
}

/* RFC 3986 2.1, of all that could mean something where it is put. */
static char *put_value(char *at, struct sp_slice value, char separator, bool is_query) {
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];

        if (c == separator && !is_query) {
            *at++ = '/';
        } else if (stays(c, is_query)) {
            *at++ = c;
        } else {
            c = c == separator ? '/' : c;
            *at++ = '%';
            *at++ = digits[(unsigned char)c >> 4];
            *at++ = digits[c & 15];
        }
    }
    return at;
}

static struct sp_slice value_of(const struct sp_rule_piece *piece,
                                const struct sp_rule_match *match) {
    int index = piece->is_param ? index_of(match->way->pattern, piece->text) : -1;

    return index >= 0 ? match->walk.values[index] : (struct sp_slice){"", 0};
}

static size_t room_for(const struct sp_rule_piece *piece, const struct sp_rule_match *match) {
    size_t room = 0;

    for (; piece; piece = piece->next) {
        room += piece->is_param ? 3 * value_of(piece, match).size : piece->text.size;
    }
    return room;
}

static char *put_pieces(char *at, const struct sp_rule_piece *piece,
                        const struct sp_rule_match *match, bool is_query) {
    for (; piece; piece = piece->next) {
        if (piece->is_param) {
            at = put_value(at, value_of(piece, match), match->walk.separator, is_query);
        } else {
            memcpy(at, piece->text.data, piece->text.size);
            at += piece->text.size;
        }
    }
    return at;
}

static char *put_text(char *at, const char *text) {
    size_t size = strlen(text);

    memcpy(at, text, size + 1);
    return at + size;
}

int sp_rule_fill(const char **ret, const struct sp_rule *rule, struct sp_arena *arena,
                 const struct sp_rule_match *match, const char *query) {
    size_t room = room_for(rule->path, match) + room_for(rule->query, match) +
                  strlen(rule->fragment) + (query ? strlen(query) : 0) + 2;
    size_t n_origin;
    char *text, *at, *path;

    if (room > SP_RULES_MAX_TARGET) {
        return -EMSGSIZE;
    }
    text = sp_arena_alloc(arena, room);
    if (!text) {
        return -ENOMEM;
    }
    at = put_pieces(text, rule->path, match, false);
    *at = '\0';
    path = text;
    while (!rule->is_absolute && path[0] == '/' && path[1] == '/') {
        path++;
    }
    n_origin = rule->is_absolute ? origin_size(path) : 0;
    if (has_dots(path + n_origin, (size_t)(at - path) - n_origin)) {
        return 0;
    }
    if (rule->has_query) {
        *at++ = '?';
        at = put_pieces(at, rule->query, match, true);
    } else if (query) {
        *at++ = '?';
        at = put_text(at, query);
    }
    (void)put_text(at, rule->fragment);
    *ret = path;
    return 1;
}
