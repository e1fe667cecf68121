/* SPDX-License-Identifier: MIT */
/* negotiate.c - what a client would like best, by its Accept fields (RFC 9110 12.5). */

#include "wire/negotiate.h"

#include <string.h>

#include "wire/http1-scan.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static struct sp_slice trimmed(const char *at, const char *end) {
    while (at < end && is_space(*at)) {
        at++;
    }
    while (end > at && is_space(end[-1])) {
        end--;
    }
    return (struct sp_slice){at, (size_t)(end - at)};
}

/* The first `mark` of [at, end) that is not in a quoted string, or end. */
static const char *find_mark(const char *at, const char *end, char mark) {
    bool is_quoted = false;

    for (; at < end && (is_quoted || *at != mark); at++) {
        if (*at == '"') {
            is_quoted = !is_quoted;
        } else if (*at == '\\' && is_quoted && end - at > 1) {
            at++;
        }
    }
    return at;
}

/* "0.5" in thousandths, or -1. Digits behind the third do not count. */
static int parse_weight(struct sp_slice text) {
    const char *at = text.data, *end = at + text.size;
    int weight = 0, unit = 1000, n_digits = 0;

    while (at < end && sp_char_is(*at, SP_CHAR_DIGIT)) {
        weight = *at++ == '0' ? weight : 1000; /* 1, and nothing above it */
        n_digits++;
    }
    if (at < end && *at == '.') {
        for (at++; at < end && sp_char_is(*at, SP_CHAR_DIGIT); at++, n_digits++) {
            unit /= 10;
            weight += (*at - '0') * unit;
        }
    }
    if (at < end || n_digits == 0) {
        return -1;
    }
    return weight > 1000 ? 1000 : weight;
}

/* Finds the weight among the parameters, which end there. False when it is no number. */
static bool take_parameters(struct sp_accept_item *item, const char *at, const char *end) {
    const char *begin = at;

    item->weight = 1000;
    while (at < end) { /* at a ';' */
        const char *stop = find_mark(at + 1, end, ';');
        struct sp_slice parameter = trimmed(at + 1, stop);

        if (parameter.size >= 2 && (parameter.data[0] | 0x20) == 'q' && parameter.data[1] == '=') {
            struct sp_slice number = {parameter.data + 2, parameter.size - 2};

            item->weight = parse_weight(number);
            break;
        }
        at = stop;
    }
    item->parameters = trimmed(begin, at);
    return item->weight >= 0;
}

bool sp_accept_next(struct sp_accept_item *ret, const char **at, const char *end) {
    while (*at < end) {
        const char *begin = *at, *stop = find_mark(begin, end, ',');
        const char *mark = find_mark(begin, stop, ';');

        *at = stop < end ? stop + 1 : end;
        ret->value = trimmed(begin, mark);
        if (ret->value.size > 0 && take_parameters(ret, mark, stop)) {
            return true;
        }
    }
    return false;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool is_same(struct sp_slice slice, const char *text, size_t size) {
    return slice.size == size && strncasecmp(slice.data, text, size) == 0;
}

static bool is_named(struct sp_slice slice, const char *name) {
    return name && is_same(slice, name, strlen(name));
}

int sp_accept_token_weight(struct sp_slice field, const char *token, const char *alias) {
    const char *at = field.data, *end = at + field.size;
    struct sp_accept_item item;
    int any = 0;

    while (at < end && sp_accept_next(&item, &at, end)) {
        if (is_named(item.value, token) || is_named(item.value, alias)) {
            return item.weight;
        }
        if (is_named(item.value, "*")) {
            any = item.weight;
        }
    }
    return any;
}

int sp_accept_token_weight_named(struct sp_slice field, const char *token) {
    const char *at = field.data, *end = at + field.size;
    struct sp_accept_item item;

    while (at < end && sp_accept_next(&item, &at, end)) {
        if (is_named(item.value, token)) {
            return item.weight;
        }
    }
    return -1;
}

/* ---- choosing among offers ------------------------------------------------------------------- */

/* How well an element fits an offer. */
struct fit {
    int weight;
    int closeness; /* -1: not at all */
    int order;     /* of the element in the field */
};

typedef int closeness_fn(const struct sp_accept_item *item, const char *offer);

/* The element that speaks of this offer most closely decides its weight. */
static struct fit find_fit(struct sp_slice field, const char *offer, closeness_fn *closeness) {
    const char *at = field.data, *end = at + field.size;
    struct fit fit = {.closeness = -1};
    struct sp_accept_item item;

    for (int order = 0; sp_accept_next(&item, &at, end); order++) {
        int c = closeness(&item, offer);

        if (c > fit.closeness) {
            fit = (struct fit){.weight = item.weight, .closeness = c, .order = order};
        }
    }
    return fit;
}

static bool is_better(const struct fit *a, const struct fit *b) {
    if (a->weight != b->weight) {
        return a->weight > b->weight;
    }
    if (a->closeness != b->closeness) {
        return a->closeness > b->closeness;
    }
    return a->order < b->order;
}

static int choose(struct sp_slice field, const char *const *offers, size_t n_offers,
                  closeness_fn *closeness) {
    const char *at = field.data, *end = at + field.size;
    struct sp_accept_item item;
    struct fit best = {0};
    int chosen = -1;

    if (!at || !sp_accept_next(&item, &at, end)) {
        return n_offers > 0 ? 0 : -1;
    }
    for (size_t i = 0; i < n_offers; i++) {
        struct fit fit = find_fit(field, offers[i], closeness);

        if (fit.weight > 0 && (chosen < 0 || is_better(&fit, &best))) {
            best = fit;
            chosen = (int)i;
        }
    }
    return chosen;
}

/* ---- types ----------------------------------------------------------------------------------- */

/* Is `parameter` ("level=1") among those of the offer, in any case? */
static bool has_parameter(const char *at, const char *end, struct sp_slice parameter) {
    while (at < end) { /* at a ';' */
        const char *stop = find_mark(at + 1, end, ';');
        struct sp_slice own = trimmed(at + 1, stop);

        if (is_same(own, parameter.data, parameter.size)) {
            return true;
        }
        at = stop;
    }
    return false;
}

/* How many parameters the range has, or -1 when the offer lacks one. */
static int count_parameters(struct sp_slice parameters, const char *offered, const char *end) {
    const char *at = parameters.data, *stop_all = at + parameters.size;
    int n = 0;

    while (at < stop_all) {
        const char *stop = find_mark(at + 1, stop_all, ';');
        struct sp_slice parameter = trimmed(at + 1, stop);

        if (parameter.size > 0 && !has_parameter(offered, end, parameter)) {
            return -1;
        }
        n += parameter.size > 0 && n < 100;
        at = stop;
    }
    return n;
}

static int type_closeness(const struct sp_accept_item *item, const char *offer) {
    const char *end = offer + strlen(offer), *mark = find_mark(offer, end, ';');
    const char *slash = memchr(offer, '/', (size_t)(mark - offer));
    struct sp_slice type = trimmed(offer, mark);
    struct sp_slice range = item->value;
    int n_parameters;

    if (is_named(range, "*/*") || is_named(range, "*")) { /* "*" is Java's, and means that */
        return 0;
    }
    if (slash && range.size > 2 && memcmp(range.data + range.size - 2, "/*", 2) == 0) {
        return is_same((struct sp_slice){range.data, range.size - 1}, offer,
                       (size_t)(slash + 1 - offer))
                   ? 1
                   : -1;
    }
    if (!is_same(range, type.data, type.size)) {
        return -1;
    }
    n_parameters = count_parameters(item->parameters, mark, end);
    return n_parameters < 0 ? -1 : 2 + n_parameters;
}

int sp_accept_choose_type(struct sp_slice field, const char *const *offers, size_t n_offers) {
    return choose(field, offers, n_offers, type_closeness);
}

/* ---- languages ------------------------------------------------------------------------------- */

/* Is `tag` longer than `prefix` by whole subtags? */
static bool extends(struct sp_slice tag, struct sp_slice prefix) {
    return tag.size > prefix.size && tag.data[prefix.size] == '-' &&
           strncasecmp(tag.data, prefix.data, prefix.size) == 0;
}

static int language_closeness(const struct sp_accept_item *item, const char *offer) {
    struct sp_slice tag = {offer, strlen(offer)};

    if (is_same(item->value, tag.data, tag.size)) {
        return 3;
    }
    if (extends(tag, item->value)) {
        return 2;
    }
    if (extends(item->value, tag)) {
        return 1;
    }
    return is_named(item->value, "*") ? 0 : -1;
}

int sp_accept_choose_language(struct sp_slice field, const char *const *offers, size_t n_offers) {
    return choose(field, offers, n_offers, language_closeness);
}
