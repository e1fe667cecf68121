/* SPDX-License-Identifier: MIT */
/* router-segment.c - one segment of a pattern against one of a path. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/router-pattern.h"

static unsigned char fold(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool sp_text_is(const char *text, const char *other, size_t size, bool folds) {
    if (sp_likely(!folds)) {
        return size == 0 || memcmp(text, other, size) == 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (fold(text[i]) != fold(other[i])) {
            return false;
        }
    }
    return true;
}

static bool is_same_text(struct sp_slice a, struct sp_slice b, bool folds) {
    return a.size == b.size && sp_text_is(a.data, b.data, a.size, folds);
}

/* ---- constraints ----------------------------------------------------------------------------- */

static bool is_in_set(const struct sp_constraint *constraint, struct sp_slice value, bool folds) {
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool is_in = constraint->set[byte / 8] & 1U << (byte % 8);

        if (!is_in && folds && is_letter) {
            byte ^= 0x20;
            is_in = constraint->set[byte / 8] & 1U << (byte % 8);
        }
        if (!is_in) {
            return false;
        }
    }
    return true;
}

static bool is_a_word(const struct sp_constraint *constraint, struct sp_slice value, bool folds) {
    const char *at = constraint->source.data + 1, *end = at + constraint->source.size - 2;

    while (at < end) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        const char *stop = bar ? bar : end;

        if (is_same_text((struct sp_slice){at, (size_t)(stop - at)}, value, folds)) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

static bool is_allowed(const struct sp_constraint *constraint, struct sp_slice value, bool folds) {
    if (!constraint) {
        return true;
    }
    return constraint->source.data[0] == '[' ? is_in_set(constraint, value, folds)
                                             : is_a_word(constraint, value, folds);
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool ends_with(struct sp_slice text, struct sp_slice word, bool folds) {
    return text.size >= word.size &&
           sp_text_is(text.data + text.size - word.size, word.data, word.size, folds);
}

/*
 * The last place of `word` in `text` with at least one byte before and behind it. What is behind
 * must not have the word in it, but may be the word: as Express has it, "a-b-" is no ":x-:y", while
 * "a--" is.
 */
static const char *find_last(struct sp_slice text, struct sp_slice word, bool folds) {
    for (size_t at = text.size; at-- > 1;) {
        if (at + word.size < text.size && sp_text_is(text.data + at, word.data, word.size, folds)) {
            size_t n_behind = text.size - at - word.size;

            return n_behind > word.size && ends_with(text, word, folds) ? NULL : text.data + at;
        }
    }
    return NULL;
}

/*
 * From the right: each parameter begins behind the last place of the text before it. Were another
 * place taken, less would be left for the parameters before, so there is nothing to go back to.
 */
bool sp_segment_fits(const struct sp_segment *segment, const char *text, size_t size, bool folds,
                     struct sp_slice *values) {
    struct sp_slice left = {text + segment->text.size, size - segment->text.size}, after;

    if (size <= segment->text.size ||
        !sp_text_is(text, segment->text.data, segment->text.size, folds)) {
        return false;
    }
    after = segment->params[segment->n_params - 1].text;
    if (left.size == after.size || !ends_with(left, after, folds)) {
        return false;
    }
    left.size -= after.size;
    for (size_t i = segment->n_params; i-- > 0;) {
        struct sp_slice before = i > 0 ? segment->params[i - 1].text : (struct sp_slice){0};
        const char *mark = i > 0 ? find_last(left, before, folds) : left.data;

        if (!mark) {
            return false;
        }
        values[i].data = mark + before.size;
        values[i].size = (size_t)(left.data + left.size - values[i].data);
        left.size = (size_t)(mark - left.data);
        if (!is_allowed(segment->params[i].constraint, values[i], folds)) {
            return false;
        }
    }
    return true;
}

bool sp_pattern_begins(const struct sp_pattern *pattern, const char *path, size_t size,
                       char separator, size_t n_skipped, bool folds) {
    struct sp_slice values[SP_PATTERN_MAX_PARAMS];
    const char *at = path, *end = path + size;

    for (size_t i = 0; i < n_skipped + pattern->n_segments; i++) {
        const char *text = at + 1;
        const struct sp_segment *segment = &pattern->segments[i - n_skipped];

        if (at == end || text == end) {
            return false;
        }
        at = memchr(text, separator, (size_t)(end - text));
        at = at ? at : end;
        if (i < n_skipped) {
            continue;
        }
        if (segment->n_params > 0
                ? !sp_segment_fits(segment, text, (size_t)(at - text), folds, values)
                : segment->text.size != (size_t)(at - text) ||
                      !sp_text_is(text, segment->text.data, segment->text.size, folds)) {
            return false;
        }
    }
    return true;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool is_same_constraint(const struct sp_constraint *a, const struct sp_constraint *b) {
    return a && b ? is_same_text(a->source, b->source, false) : a == b;
}

bool sp_segment_is_same(const struct sp_segment *a, const struct sp_segment *b, bool folds) {
    if (a->n_params != b->n_params || a->is_wild != b->is_wild ||
        !is_same_text(a->text, b->text, folds)) {
        return false;
    }
    for (size_t i = 0; i < a->n_params; i++) {
        if (!is_same_text(a->params[i].text, b->params[i].text, folds) ||
            !is_same_constraint(a->params[i].constraint, b->params[i].constraint)) {
            return false;
        }
    }
    return true;
}

size_t sp_segment_n_text(const struct sp_segment *segment) {
    size_t n = segment->text.size;

    for (size_t i = 0; i < segment->n_params; i++) {
        n += segment->params[i].text.size;
    }
    return n;
}

static int n_constraints(const struct sp_segment *segment) {
    int n = 0;

    for (size_t i = 0; i < segment->n_params; i++) {
        n += segment->params[i].constraint != NULL;
    }
    return n;
}

int sp_segment_compare(const struct sp_segment *a, const struct sp_segment *b) {
    size_t n_a = sp_segment_n_text(a), n_b = sp_segment_n_text(b);

    if (n_a != n_b) {
        return n_a > n_b ? -1 : 1;
    }
    return n_constraints(b) - n_constraints(a);
}

/* ---- paths ----------------------------------------------------------------------------------- */

ssize_t sp_path_decode(char *room, const char *path, size_t size) {
    const char *at = path, *end = path + size;
    char *to = room;

    while (at < end) {
        const char *text = at + 1;
        const char *stop = memchr(text, '/', (size_t)(end - text));
        ssize_t n;

        stop = stop ? stop : end;
        *to++ = '\0';
        n = sp_uri_decode(to, text, (size_t)(stop - text), SP_URI_STRICT);
        if (n < 0) {
            return -EINVAL;
        }
        to += n;
        at = stop;
    }
    return to - room;
}
