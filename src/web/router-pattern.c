/* SPDX-License-Identifier: MIT */
/* router-pattern.c - takes the patterns of routes apart. */

#include "web/router-pattern.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/*
 * First the text becomes tokens, one for each literal byte, parameter, wildcard and brace. Then
 * each set of optional parts gives an alternative: the tokens that are in it, cut at the slashes.
 */
enum kind {
    TEXT,
    PARAM,
    WILDCARD,
    OPEN,
    CLOSE,
};

struct token {
    enum kind kind;
    char byte;      /* TEXT */
    unsigned at;    /* in the text */
    unsigned group; /* OPEN, CLOSE: which */
    struct sp_slice name;
    const struct sp_constraint *constraint;
};

struct parser {
    struct sp_arena *arena;
    const char *text;
    const char *whole;
    struct sunpath_error *error;
    size_t at;
    struct token *tokens; /* as many as `text` has bytes */
    size_t n_tokens;
    unsigned n_groups, depth;
    unsigned open[SP_PATTERN_MAX_GROUPS];   /* the groups around the place, outermost first */
    unsigned parent[SP_PATTERN_MAX_GROUPS]; /* as bits: what must be there for it to be there */
};

/* `at`: how much of the text was good. */
static int refuse(const struct parser *parser, size_t at, const char *why) {
    struct sp_shown whole, good;
    size_t n_before = (size_t)(parser->text - parser->whole);

    sp_show(&whole, parser->whole, strlen(parser->whole));
    if (n_before + at == 0) {
        return sp_fail(parser->error, -EINVAL, SUNPATH_REASON_INVALID, "route", "'%s': %s",
                       whole.text, why);
    }
    return sp_fail(parser->error, -EINVAL, SUNPATH_REASON_INVALID, "route", "'%s', at '%s': %s",
                   whole.text, sp_show(&good, parser->whole, n_before + at), why);
}

static int no_memory(const struct parser *parser) {
    return sp_fail(parser->error, -ENOMEM, SUNPATH_REASON_SYSTEM, "route", "out of memory");
}

/* A set of optional parts has a bit for each, the first one's the highest. */
static unsigned bit(unsigned group) {
    return 1U << (SP_PATTERN_MAX_GROUPS - 1 - group);
}

static struct token *add(struct parser *parser, enum kind kind) {
    struct token *token = &parser->tokens[parser->n_tokens++];

    *token = (struct token){.kind = kind, .at = (unsigned)parser->at};
    return token;
}

/* ---- parameters ------------------------------------------------------------------------------ */

static bool is_name_byte(char c, bool is_first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

/* "[a-z0-9_]": ranges and single bytes. The text is without the brackets. */
static bool read_set(struct sp_constraint *constraint, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char first = (unsigned char)text[i], last = first;

        if (i + 2 < size && text[i + 1] == '-') {
            last = (unsigned char)text[i + 2];
            i += 2;
        }
        if (first > last) {
            return false;
        }
        for (unsigned byte = first; byte <= last; byte++) {
            constraint->set[byte / 8] |= (uint8_t)(1U << (byte % 8));
        }
    }
    return size > 0;
}

/* "(json|xml)": no word may be empty. */
static bool has_words(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '|' && (i == 0 || i + 1 == size || text[i + 1] == '|')) {
            return false;
        }
    }
    return size > 0;
}

/* "\\d", "[a-z]+" or ".*" in brackets: other tools have regular expressions there. */
static bool is_regex(const char *text, size_t size, bool is_set) {
    for (size_t i = 0; i < size; i++) {
        bool is_repeated = i + 1 < size && (text[i + 1] == '*' || text[i + 1] == '+');

        if (text[i] == '\\' ||
            (!is_set && (strchr("[^$", text[i]) || (text[i] == '.' && is_repeated)))) {
            return true;
        }
    }
    return false;
}

/* At "[" or "(". */
static int read_constraint(struct parser *parser, const struct sp_constraint **ret) {
    const char *begin = parser->text + parser->at;
    bool is_set = *begin == '[';
    const char *end = strchr(begin, is_set ? ']' : ')');
    struct sp_constraint *constraint;
    size_t size;

    if (!end || memchr(begin, '/', (size_t)(end - begin))) {
        return refuse(parser, parser->at + 1, is_set ? "a ']' is missing" : "a ')' is missing");
    }
    size = (size_t)(end - begin) - 1;
    constraint = sp_arena_alloc(parser->arena, sizeof(*constraint));
    if (!constraint) {
        return no_memory(parser);
    }
    *constraint = (struct sp_constraint){.source = {begin, size + 2}};
    if (is_regex(begin + 1, size, is_set)) {
        return refuse(parser, parser->at + 1,
                      "no regular expression can stand here: bytes are [0-9a-f], words (json|xml)");
    }
    if (is_set && !read_set(constraint, begin + 1, size)) {
        return refuse(parser, parser->at + 1, "a set is of bytes and ranges, as in [0-9a-f]");
    }
    if (!is_set && !has_words(begin + 1, size)) {
        return refuse(parser, parser->at + 1, "words are separated by one '|', as in (json|xml)");
    }
    parser->at += size + 2;
    *ret = constraint;
    return 0;
}

/* At ":" or "*". */
static int read_param(struct parser *parser) {
    const char *text = parser->text;
    struct token *token = add(parser, text[parser->at] == ':' ? PARAM : WILDCARD);
    size_t begin = ++parser->at;

    while (is_name_byte(text[parser->at], parser->at == begin)) {
        parser->at++;
    }
    if (parser->at == begin) {
        return refuse(parser, begin, "a name is missing: letters, digits and _");
    }
    token->name = (struct sp_slice){text + begin, parser->at - begin};
    if (text[parser->at] == '[' || text[parser->at] == '(') {
        if (token->kind == WILDCARD) {
            return refuse(parser, parser->at, "a wildcard takes anything");
        }
        return read_constraint(parser, &token->constraint);
    }
    return 0;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* A segment that is "{id}", "{path...}", "{id:int}" or "{$}", as Go and others write parameters. */
static bool is_braced_name(const struct parser *parser) {
    const char *text = parser->text + parser->at;
    size_t size = strcspn(text, "/}");

    return parser->at > 0 && text[-1] == '/' && (is_name_byte(text[1], false) || text[1] == '$') &&
           !memchr(text + 1, '{', size - 1) && text[size] == '}' &&
           (text[size + 1] == '/' || !text[size + 1]);
}

static int read_brace(struct parser *parser) {
    struct token *token;

    if (parser->text[parser->at] == '{') {
        if (is_braced_name(parser)) {
            return refuse(parser, parser->at,
                          "a parameter is written :name (*name: the rest), and braces are around "
                          "what may be missing, as in {/:name}");
        }
        if (parser->n_groups == SP_PATTERN_MAX_GROUPS) {
            return refuse(parser, parser->at, "there are too many optional parts");
        }
        token = add(parser, OPEN);
        token->group = parser->n_groups++;
        parser->parent[token->group] = parser->depth ? bit(parser->open[parser->depth - 1]) : 0;
        parser->open[parser->depth++] = token->group;
    } else {
        if (parser->depth == 0) {
            return refuse(parser, parser->at, "a '}' without its '{' (\\} is the character)");
        }
        token = add(parser, CLOSE);
        token->group = parser->open[--parser->depth];
    }
    parser->at++;
    return 0;
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Is this place behind a name, which a letter would go on? */
static bool is_behind_name(const struct parser *parser) {
    const struct token *last = parser->tokens + parser->n_tokens - 1;

    return parser->n_tokens > 0 && (last->kind == PARAM || last->kind == WILDCARD) &&
           !last->constraint;
}

/* "<id>", as Flask and others write parameters */
static bool is_pointed_name(const char *text) {
    size_t size = strcspn(text, "/>");

    return *text == '<' && size > 1 && text[size] == '>';
}

static int read_text(struct parser *parser) {
    const char *at = parser->text + parser->at;

    if (*at == '\\') {
        if (!at[1]) {
            return refuse(parser, parser->at, "nothing follows the backslash");
        }
        if (is_name_byte(at[1], false) && at[1] != '_' && !is_behind_name(parser)) {
            return refuse(parser, parser->at,
                          "this is no regular expression: bytes are :name[0-9a-f], words "
                          ":name(json|xml)");
        }
        parser->at++;
        at++;
    } else if (*at == '?') {
        return refuse(
            parser, parser->at,
            "what may be missing stands in braces, as in {/:name} (\\? is the character)");
    } else if (is_pointed_name(at)) {
        return refuse(parser, parser->at, "a parameter is written :name (\\< is the character)");
    } else if (strchr("()[]+!", *at)) {
        return refuse(parser, parser->at, "put a backslash before this character to mean itself");
    } else if (*at == '%' && is_hex(at[1]) && is_hex(at[2])) {
        return refuse(parser, parser->at,
                      "write the character itself, not its escape (\\% is a percent sign)");
    }
    add(parser, TEXT)->byte = *at;
    parser->at++;
    return 0;
}

static int read_tokens(struct parser *parser) {
    int r = 0;

    while (r == 0 && parser->text[parser->at]) {
        switch (parser->text[parser->at]) {
        case ':':
        case '*':
            r = read_param(parser);
            break;
        case '{':
        case '}':
            r = read_brace(parser);
            break;
        default:
            r = read_text(parser);
        }
    }
    if (r == 0 && parser->depth > 0) {
        return refuse(parser, parser->at, "a '}' is missing");
    }
    return r;
}

/* ---- alternatives ---------------------------------------------------------------------------- */

/* Is that a set of optional parts that are there, each inside those around it? */
static bool is_possible(const struct parser *parser, unsigned groups) {
    for (unsigned i = 0; i < SP_PATTERN_MAX_GROUPS; i++) {
        bool is_possible =
            i < parser->n_groups && (groups & parser->parent[i]) == parser->parent[i];

        if (groups & bit(i) && !is_possible) {
            return false;
        }
    }
    return true;
}

/* The tokens that are in the alternative with these optional parts; returns how many. */
static size_t choose(const struct parser *parser, unsigned groups, struct token *chosen) {
    size_t n = 0, n_missing = 0;

    for (size_t i = 0; i < parser->n_tokens; i++) {
        const struct token *token = &parser->tokens[i];
        bool is_brace = token->kind == OPEN || token->kind == CLOSE;

        if (is_brace && !(groups & bit(token->group))) {
            n_missing += token->kind == OPEN ? 1 : (size_t)-1;
        } else if (!is_brace && n_missing == 0) {
            chosen[n++] = *token;
        }
    }
    return n;
}

/* A new parameter at the end of the last segment. */
static int put_param(struct parser *parser, struct sp_pattern *pattern, const struct token *token) {
    struct sp_segment *segment = &pattern->segments[pattern->n_segments - 1];
    struct sp_segment_param *last =
        segment->n_params > 0 ? &segment->params[segment->n_params - 1] : NULL;

    if (pattern->n_params == SP_PATTERN_MAX_PARAMS) {
        return refuse(parser, token->at, "there are too many parameters");
    }
    if (last && (segment->is_wild || token->kind == WILDCARD)) {
        return refuse(parser, token->at, "a wildcard has no parameter in its segment");
    }
    if (last && last->text.size == 0) {
        return refuse(parser, token->at, "text must stand between two parameters");
    }
    if (token->kind == WILDCARD && pattern->wild != SIZE_MAX) {
        return refuse(parser, token->at, "one wildcard is all that a pattern may have");
    }
    for (size_t i = 0; i < pattern->n_segments; i++) {
        for (size_t j = 0; j < pattern->segments[i].n_params; j++) {
            struct sp_slice name = pattern->segments[i].params[j].name;

            if (name.size == token->name.size && !memcmp(name.data, token->name.data, name.size)) {
                return refuse(parser, token->at, "that name is taken");
            }
        }
    }
    if (token->kind == WILDCARD) {
        segment->is_wild = true;
        pattern->wild = pattern->n_segments - 1;
    }
    segment->params[segment->n_params++] =
        (struct sp_segment_param){.name = token->name, .constraint = token->constraint};
    pattern->n_params++;
    return 0;
}

/* The text that the next literal byte belongs to. */
static struct sp_slice *text_of(struct sp_segment *segment) {
    return segment->n_params > 0 ? &segment->params[segment->n_params - 1].text : &segment->text;
}

static bool is_slash(const struct token *token) {
    return token->kind == TEXT && token->byte == '/';
}

static int begin_segment(struct parser *parser, struct sp_pattern *pattern,
                         struct sp_segment_param *params, const struct token *slash) {
    if (pattern->n_segments == SP_PATTERN_MAX_SEGMENTS) {
        return refuse(parser, slash->at, "there are too many segments");
    }
    pattern->segments[pattern->n_segments++] = (struct sp_segment){.params = params};
    return 0;
}

/* Cuts the tokens at the slashes. `bytes` and `params` have room for one a token. */
static int put_tokens(struct parser *parser, struct sp_pattern *pattern, const struct token *tokens,
                      size_t n, char *bytes, struct sp_segment_param *params) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct token *token = &tokens[i];
        struct sp_slice *text;

        if (i == 0 && !is_slash(token)) {
            return refuse(parser, token->at, "a path begins with a slash");
        }
        if (is_slash(token)) {
            if (i > 0 && is_slash(&tokens[i - 1])) {
                return refuse(parser, token->at, "two slashes have nothing between them");
            }
            if (i + 1 == n) {
                pattern->ends_in_slash = true;
                return 0;
            }
            r = begin_segment(parser, pattern, params + pattern->n_params, token);
        } else if (token->kind == TEXT) {
            text = text_of(&pattern->segments[pattern->n_segments - 1]);
            text->data = text->size ? text->data : bytes;
            text->size++;
            *bytes++ = token->byte;
        } else {
            r = put_param(parser, pattern, token);
        }
    }
    return r;
}

static int make(struct parser *parser, struct sp_pattern **ret, const struct token *tokens,
                size_t n) {
    struct sp_pattern *pattern = sp_arena_alloc(parser->arena, sizeof(*pattern));
    struct sp_segment_param *params = sp_arena_alloc(parser->arena, (n + 1) * sizeof(*params));
    char *bytes = sp_arena_alloc(parser->arena, n + 1);
    size_t n_slashes = 0;
    int r;

    for (size_t i = 0; i < n; i++) {
        n_slashes += is_slash(&tokens[i]);
    }
    if (!pattern || !params || !bytes) {
        return no_memory(parser);
    }
    *pattern = (struct sp_pattern){
        .wild = SIZE_MAX,
        .segments = sp_arena_alloc(parser->arena, (n_slashes + 1) * sizeof(struct sp_segment)),
    };
    if (!pattern->segments) {
        return no_memory(parser);
    }
    r = put_tokens(parser, pattern, tokens, n, bytes, params);
    if (r < 0) {
        return r;
    }
    pattern->wild = pattern->wild == SIZE_MAX ? pattern->n_segments : pattern->wild;
    *ret = pattern;
    return 0;
}

int sp_pattern_parse(struct sp_pattern **ret, struct sp_arena *arena, const char *text,
                     const char *whole, struct sunpath_error *error) {
    struct parser parser = {.arena = arena, .text = text, .whole = whole, .error = error};
    struct token tokens[SP_PATTERN_MAX], chosen[SP_PATTERN_MAX];
    struct sp_pattern *first = NULL, **last = &first;
    int r;

    if (strlen(text) > SP_PATTERN_MAX) {
        return refuse(&parser, 0, "the pattern is too long");
    }
    parser.tokens = tokens;
    r = read_tokens(&parser);
    if (r < 0) {
        return r;
    }
    for (unsigned groups = 1U << SP_PATTERN_MAX_GROUPS; groups-- > 0;) {
        if (is_possible(&parser, groups)) {
            r = make(&parser, last, chosen, choose(&parser, groups, chosen));
            if (r < 0) {
                return r;
            }
            last = &(*last)->next;
        }
    }
    *ret = first;
    return 0;
}
