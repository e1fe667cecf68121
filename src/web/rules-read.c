/* SPDX-License-Identifier: MIT */
/* rules-read.c - rules from a text: a line each. */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "os/read-file.h"
#include "serve/http-server.h"
#include "web/rules.h"

#define MAX_WORDS 4

/* Where in which text a reader is. */
struct reader {
    struct sunpath_rules *rules;
    const char *name;
    unsigned line;
    struct sunpath_error *error;
};

static int refuse(const struct reader *reader, const char *why) {
    struct sp_shown shown;

    if (why == SP_RULE_NO_MEMORY) {
        return sp_fail(reader->error, -ENOMEM, SUNPATH_REASON_SYSTEM, "read", "'%s': %s",
                       sp_show(&shown, reader->name, strlen(reader->name)), why);
    }
    return sp_fail(reader->error, -EINVAL, SUNPATH_REASON_INVALID, "read", "'%s' line %u: %s",
                   sp_show(&shown, reader->name, strlen(reader->name)), reader->line, why);
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* In place. Returns what is behind the word, or NULL: its quotes are not closed. */
static char *take_word(char *at, char **ret_word) {
    bool is_quoted = *at == '"';
    char *to = at;

    *ret_word = at;
    at += is_quoted;
    while (*at && (is_quoted ? *at != '"' : !is_blank(*at))) {
        at += is_quoted && at[0] == '\\' && at[1] == '"';
        *to++ = *at++;
    }
    if (is_quoted) {
        if (*at != '"' || (at[1] && !is_blank(at[1]))) {
            return NULL;
        }
        at++;
    }
    at += *at != '\0';
    *to = '\0';
    return at;
}

/* Of a line; NULL or what is wrong. */
static const char *split(char *line, char *words[MAX_WORDS], size_t *ret_n) {
    size_t n = 0;

    for (;;) {
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#') {
            *ret_n = n;
            return NULL;
        }
        if (n == MAX_WORDS) {
            return "there are too many words: one with blanks goes in double quotes";
        }
        line = take_word(line, &words[n++]);
        if (!line) {
            return "a word's double quotes are not closed, or do not end it";
        }
    }
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* As in a strict router: a slash at the end counts, but a wildcard takes it. */
static enum sp_slash slash_of(const struct sp_pattern *pattern) {
    if (pattern->n_segments == 0) {
        return SP_SLASH_EITHER;
    }
    if (pattern->wild + 1 == pattern->n_segments && !pattern->ends_in_slash &&
        pattern->segments[pattern->wild].params[0].text.size == 0) {
        return SP_SLASH_EITHER;
    }
    return pattern->ends_in_slash ? SP_SLASH_YES : SP_SLASH_NO;
}

static const char *add_ways(struct sp_rule *rule, struct sp_arena *arena,
                            const struct sp_pattern *alternatives) {
    rule->tree = (struct sp_tree){.arena = arena, .is_strict = true};
    for (; alternatives; alternatives = alternatives->next) {
        struct sp_rule_way *way = sp_arena_alloc(arena, sizeof(*way));
        const struct sp_endpoint *first;

        if (!way) {
            return SP_RULE_NO_MEMORY;
        }
        *way = (struct sp_rule_way){.endpoint = {.slash = slash_of(alternatives)},
                                    .pattern = alternatives};
        if (sp_tree_add(&rule->tree, &rule->tree.root, alternatives, &way->endpoint, &first) < 0) {
            return SP_RULE_NO_MEMORY;
        }
    }
    return sp_tree_freeze(&rule->tree) < 0 ? SP_RULE_NO_MEMORY : NULL;
}

static const char *read_status(struct sp_rule *rule, const char *word) {
    static const char *const statuses[] = {"301", "302", "303", "307", "308"};

    for (size_t i = 0; i < SP_ARRAY_SIZE(statuses); i++) {
        if (strcmp(word, statuses[i]) == 0) {
            rule->status = atoi(word);
            return NULL;
        }
    }
    return "a redirect's status is 301, 302, 303, 307 or 308";
}

static const char *read_header(struct sp_rule *rule, struct sp_arena *arena, const char *name,
                               const char *value) {
    rule->kind = *name == '+' ? SP_RULE_ADD : *name == '-' ? SP_RULE_REMOVE : SP_RULE_SET;
    name += rule->kind != SP_RULE_SET;
    if ((rule->kind == SP_RULE_REMOVE) != !value) {
        return value ? "a header to remove has no value" : "the header's value is missing";
    }
    if (!sp_http_may_add_field(name, value)) {
        return sp_http_may_add_field(name, NULL)
                   ? "the value may not stand in a header"
                   : "that is no header's name, or one the server itself sends";
    }
    if (rule->kind != SP_RULE_SET && strcasecmp(name, "Content-Type") == 0) {
        return "Content-Type can only be set";
    }
    rule->name = sp_arena_copy(arena, name, strlen(name));
    rule->value = value ? sp_arena_copy(arena, value, strlen(value)) : NULL;
    return rule->name && (rule->value || !value) ? NULL : SP_RULE_NO_MEMORY;
}

/* Reads what comes before the pattern, and returns its place; 0: `why`. */
static size_t read_kind(struct sp_rule *rule, char **words, size_t n, const char **why) {
    if (strcmp(words[0], "redirect") == 0) {
        rule->kind = SP_RULE_REDIRECT;
        *why = n == 4 ? read_status(rule, words[1]) : "not 'redirect STATUS PATTERN TARGET'";
        return *why ? 0 : 2;
    }
    if (strcmp(words[0], "rewrite") == 0) {
        rule->kind = SP_RULE_REWRITE;
        *why = n == 3 ? NULL : "not 'rewrite PATTERN TARGET'";
        return *why ? 0 : 1;
    }
    if (strcmp(words[0], "header") == 0) {
        rule->kind = SP_RULE_SET;
        *why = n == 3 || n == 4 ? NULL : "not 'header PATTERN NAME VALUE'";
        return *why ? 0 : 1;
    }
    *why = "a rule begins with redirect, rewrite or header";
    return 0;
}

static int add_rule(struct reader *reader, char **words, size_t n) {
    struct sp_arena *arena = &reader->rules->arena;
    struct sp_rule *rule = sp_arena_alloc(arena, sizeof(*rule));
    struct sp_pattern *pattern;
    struct sunpath_error error;
    const char *why, *text;
    size_t at;

    if (!rule) {
        return refuse(reader, SP_RULE_NO_MEMORY);
    }
    *rule = (struct sp_rule){0};
    at = read_kind(rule, words, n, &why);
    if (at == 0) {
        return refuse(reader, why);
    }
    if (reader->rules->n++ == SP_RULES_MAX) {
        return refuse(reader, "there are too many rules");
    }
    text = sp_arena_copy(arena, words[at], strlen(words[at])); /* the pattern points into it */
    if (!text) {
        return refuse(reader, SP_RULE_NO_MEMORY);
    }
    if (sp_pattern_parse(&pattern, arena, text, text, &error) < 0) {
        return refuse(reader, error.code == -ENOMEM ? SP_RULE_NO_MEMORY : error.text);
    }
    why = add_ways(rule, arena, pattern);
    if (!why) {
        why = rule->kind == SP_RULE_SET
                  ? read_header(rule, arena, words[at + 1], n == at + 3 ? words[at + 2] : NULL)
                  : sp_rule_read_target(rule, arena, words[at + 1], pattern);
    }
    if (why) {
        return refuse(reader, why);
    }
    *reader->rules->last = rule;
    reader->rules->last = &rule->next;
    return 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static int read_line(struct reader *reader, const char *line, size_t size) {
    char copy[SP_RULES_MAX_LINE + 1], *words[MAX_WORDS];
    const char *why;
    size_t n;

    if (size > SP_RULES_MAX_LINE) {
        return refuse(reader, "the line is too long");
    }
    if (memchr(line, '\0', size)) {
        return refuse(reader, "there is a NUL byte");
    }
    size -= size > 0 && line[size - 1] == '\r';
    memcpy(copy, line, size);
    copy[size] = '\0';
    why = split(copy, words, &n);
    if (why) {
        return refuse(reader, why);
    }
    return n == 0 ? 0 : add_rule(reader, words, n);
}

static int read_text(struct sunpath_rules **ret, const char *text, size_t size, const char *name,
                     struct sunpath_error *error) {
    struct sunpath_rules *rules = calloc(1, sizeof(*rules));
    struct reader reader = {.rules = rules, .name = name, .error = error};
    const char *at = text, *end = text + size;
    int r = 0;

    if (!rules) {
        return refuse(&reader, SP_RULE_NO_MEMORY);
    }
    rules->last = &rules->first;
    while (r == 0 && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        reader.line++;
        r = read_line(&reader, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (r < 0) {
        sunpath_rules_free(rules);
        return r;
    }
    *ret = rules;
    return 0;
}

int sunpath_rules_parse(struct sunpath_rules **ret, const char *text, const char *name,
                        struct sunpath_error *error) {
    size_t size = strlen(text);
    struct sp_shown shown;

    if (size > SP_RULES_MAX_TEXT) {
        return sp_fail(error, -EFBIG, SUNPATH_REASON_INVALID, "read", "'%s': over 1 MiB",
                       sp_show(&shown, name, strlen(name)));
    }
    return read_text(ret, text, size, name, error);
}

int sunpath_rules_load(struct sunpath_rules **ret, const char *path, struct sunpath_error *error) {
    struct sp_shown shown;
    char *text = NULL;
    ssize_t size = sp_read_file(&text, path, SP_RULES_MAX_TEXT);
    int r;

    if (size < 0) {
        r = (int)size;
        return sp_fail(error, r, sp_reason_of_errno(r), "read", "'%s': %s",
                       sp_show(&shown, path, strlen(path)), strerror(-r));
    }
    r = read_text(ret, text, (size_t)size, path, error);
    free(text);
    return r;
}

struct sunpath_rules *sunpath_rules_free(struct sunpath_rules *rules) {
    if (rules) {
        sp_arena_deinit(&rules->arena);
        free(rules);
    }
    return NULL;
}
