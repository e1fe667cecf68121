/* SPDX-License-Identifier: MIT */
/* test-router-pattern.c - patterns of routes, taken apart. */

#include "web/router-pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

static struct sp_arena arena;

/* "/[text]<:name[0-9]>" ... for each alternative, one a line. */
static const char *shown(const char *text) {
    static char out[65536];
    struct sunpath_error error;
    struct sp_pattern *pattern = NULL;
    size_t n = 0;

    out[0] = '\0';
    if (sp_pattern_parse(&pattern, &arena, text, text, &error) < 0) {
        ck_assert_int_eq(error.code, -EINVAL);
        snprintf(out, sizeof(out), "%s", error.text);
        return out;
    }
#define PUT(...) n += (size_t)snprintf(out + n, sizeof(out) - n, __VA_ARGS__)
    for (; pattern; pattern = pattern->next) {
        for (size_t i = 0; i < pattern->n_segments; i++) {
            const struct sp_segment *segment = &pattern->segments[i];

            PUT("/%.*s", (int)segment->text.size, segment->text.data);
            for (size_t j = 0; j < segment->n_params; j++) {
                const struct sp_segment_param *param = &segment->params[j];
                struct sp_slice source =
                    param->constraint ? param->constraint->source : (struct sp_slice){"", 0};

                PUT("<%s%.*s%.*s>%.*s", segment->is_wild ? "*" : "", (int)param->name.size,
                    param->name.data, (int)source.size, source.data, (int)param->text.size,
                    param->text.data);
            }
            ck_assert_int_eq(segment->is_wild, i == pattern->wild);
        }
        PUT("%s%s", pattern->ends_in_slash ? "/" : "", pattern->next ? " or " : "");
    }
    return out;
}

START_TEST(patterns_are_taken_apart) {
    static const struct {
        const char *text, *parts;
    } cases[] = {
        {"", ""},
        {"/", "/"},
        {"/a", "/a"},
        {"/a/b/", "/a/b/"},
        {"/:id", "/<id>"},
        {"/users/:id/posts/:post_2", "/users/<id>/posts/<post_2>"},
        {"/:from-:to", "/<from>-<to>"},
        {"/v:major.:minor.zip", "/v<major>.<minor>.zip"},
        {"/*path", "/<*path>"},
        {"/f-*path.txt/:id", "/f-<*path>.txt/<id>"},
        {"/:id[0-9]/x", "/<id[0-9]>/x"},
        {"/:a(json|xml).gz", "/<a(json|xml)>.gz"},
        {"/a{/:b}", "/a/<b> or /a"},
        {"/a{/:b{/:c}}", "/a/<b>/<c> or /a/<b> or /a"},
        {"/a{b}{c}", "/abc or /ab or /ac or /a"},
        {"{/:lang}/home", "/<lang>/home or /home"},
        {"{/*path}", "/<*path> or "},
        {"/a{/}", "/a/ or /a"},
        {"/:a{-:b}", "/<a>-<b> or /<a>"},
        {"/\\:a\\{\\}\\*\\\\\\?", "/:a{}*\\?"},
        {"/:id\\x", "/<id>x"},
        {"/100%", "/100%"},
        {"/\\%41", "/%41"},
        {"/a b/caf\xc3\xa9", "/a b/caf\xc3\xa9"},
        {"/{a}{b}{c}{d}{e}:f", "/abcde<f> or /abcd<f> or /abce<f>"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = strlen(cases[i].parts);

        if (i + 1 == sizeof(cases) / sizeof(cases[0])) {
            ck_assert_int_eq(strncmp(shown(cases[i].text), cases[i].parts, n), 0);
        } else {
            ck_assert_str_eq(shown(cases[i].text), cases[i].parts);
        }
    }
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(a_malformed_pattern_is_refused_where_it_is_wrong) {
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"a", "route 'a': a path begins with a slash"},
        {":id", "route ':id': a path begins with a slash"},
        {"{a}/b", "route '{a}/b', at '{': a path begins with a slash"},
        {"/a//b", "route '/a//b', at '/a/': two slashes have nothing between them"},
        {"/:", "route '/:', at '/:': a name is missing: letters, digits and _"},
        {"/:1", "route '/:1', at '/:': a name is missing: letters, digits and _"},
        {"/a/*", "route '/a/*', at '/a/*': a name is missing: letters, digits and _"},
        {"/:a:b", "route '/:a:b', at '/:a': text must stand between two parameters"},
        {"/:a*b", "route '/:a*b', at '/:a': a wildcard has no parameter in its segment"},
        {"/*a-:b", "route '/*a-:b', at '/*a-': a wildcard has no parameter in its segment"},
        {"/*a/*b", "route '/*a/*b', at '/*a/': one wildcard is all that a pattern may have"},
        {"/:a/:a", "route '/:a/:a', at '/:a/': that name is taken"},
        {"/a{b", "route '/a{b', at '/a{b': a '}' is missing"},
        {"/a}b", "route '/a}b', at '/a': a '}' without its '{' (\\} is the character)"},
        {"/a\\", "route '/a\\\\', at '/a': nothing follows the backslash"},
        {"/a+", "route '/a+', at '/a': put a backslash before this character to mean itself"},
        {"/a(b)", "route '/a(b)', at '/a': put a backslash before this character to mean itself"},
        {"/:a[b", "route '/:a[b', at '/:a[': a ']' is missing"},
        {"/:a(b/c)", "route '/:a(b/c)', at '/:a(': a ')' is missing"},
        {"/:a[]", "route '/:a[]', at '/:a[': a set is of bytes and ranges, as in [0-9a-f]"},
        {"/:a[9-0]", "route '/:a[9-0]', at '/:a[': a set is of bytes and ranges, as in [0-9a-f]"},
        {"/:a(b||c)", "route '/:a(b||c)', at '/:a(': words are separated by one '|', as in "
                      "(json|xml)"},
        {"/*a[0-9]", "route '/*a[0-9]', at '/*a': a wildcard takes anything"},
        {"/a%20b", "route '/a%20b', at '/a': write the character itself, not its escape (\\% is a "
                   "percent sign)"},
        {"/{a}{b}{c}{d}{e}{f}{g}",
         "route '/{a}{b}{c}{d}{e}{f}{g}', at '/{a}{b}{c}{d}{e}{f}': there "
         "are too many optional parts"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_str_eq(shown(cases[i].text), cases[i].error);
    }
    sp_arena_deinit(&arena);
}
END_TEST

/* They would be routes that never fit. */
START_TEST(patterns_as_others_write_them_are_refused) {
    static const char braces[] = "a parameter is written :name (*name: the rest), and braces are "
                                 "around what may be missing, as in {/:name}";
    static const char regex[] = "no regular expression can stand here: bytes are [0-9a-f], words "
                                "(json|xml)";
    static const struct {
        const char *text, *good, *why;
    } cases[] = {
        {"/users/{id}", "/users/", braces},
        {"/users/{id}/x", "/users/", braces},
        {"/users/{id:int}", "/users/", braces},
        {"/files/{path...}", "/files/", braces},
        {"/a/{$}", "/a/", braces},
        {"/:a(\\d+)", "/:a(", regex},
        {"/:a([0-9]+)", "/:a(", regex},
        {"/:a(.*)", "/:a(", regex},
        {"/:a(^x$)", "/:a(", regex},
        {"/:a[\\w]", "/:a[", regex},
        {"/\\d+", "/",
         "this is no regular expression: bytes are :name[0-9a-f], words :name(json|xml)"},
        {"/:a[0-9]\\w", "/:a[0-9]",
         "this is no regular expression: bytes are :name[0-9a-f], words :name(json|xml)"},
        {"/<id>", "/", "a parameter is written :name (\\< is the character)"},
        {"/a/<int:id>/b", "/a/", "a parameter is written :name (\\< is the character)"},
        {"/:a?", "/:a",
         "what may be missing stands in braces, as in {/:name} (\\? is the character)"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sp_pattern *pattern = NULL;
        struct sunpath_error error;
        char expected[512];

        ck_assert_int_eq(sp_pattern_parse(&pattern, &arena, cases[i].text, cases[i].text, &error),
                         -EINVAL);
        snprintf(expected, sizeof(expected), ", at '%s': %s", cases[i].good, cases[i].why);
        ck_assert_msg(strstr(error.text, expected), "%s", error.text);
    }
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(what_looks_like_that_may_be_meant) {
    ck_assert_str_eq(shown("/a/{b}-c"), "/a/b-c or /a/-c");
    ck_assert_str_eq(shown("/a/\\{id\\}"), "/a/{id}");
    ck_assert_str_eq(shown("/\\<id\\>"), "/<id>");
    ck_assert_str_eq(shown("/a<b"), "/a<b");
    ck_assert_str_eq(shown("/:a(c++|1.0)"), "/<a(c++|1.0)>");
    ck_assert_str_eq(shown("/:a\\bc"), "/<a>bc");
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(patterns_have_limits) {
    char text[4096];
    size_t n = 0;

    memset(text, 'a', SP_PATTERN_MAX + 1);
    text[0] = '/';
    text[SP_PATTERN_MAX + 1] = '\0';
    ck_assert_ptr_nonnull(strstr(shown(text), ": the pattern is too long"));
    text[SP_PATTERN_MAX] = '\0';
    ck_assert_str_eq(shown(text), text);
    for (int i = 0; i < SP_PATTERN_MAX_PARAMS; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "/:p%d", i);
    }
    ck_assert_ptr_null(strstr(shown(text), ": "));
    snprintf(text + n, sizeof(text) - n, "/:more");
    ck_assert_ptr_nonnull(strstr(shown(text), ": there are too many parameters"));
    n = 0;
    for (int i = 0; i <= SP_PATTERN_MAX_SEGMENTS; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "/s");
    }
    ck_assert_ptr_nonnull(strstr(shown(text), ": there are too many segments"));
    sp_arena_deinit(&arena);
}
END_TEST

START_TEST(an_error_shows_the_route_s_method_too) {
    const char *whole = "GET /a/:";
    struct sp_pattern *pattern = NULL;
    struct sunpath_error error;

    ck_assert_int_eq(sp_pattern_parse(&pattern, &arena, whole + 4, whole, &error), -EINVAL);
    ck_assert_str_eq(error.text, "route 'GET /a/:', at 'GET /a/:': a name is missing: letters, "
                                 "digits and _");
    ck_assert_ptr_null(pattern);
    sp_arena_deinit(&arena);
}
END_TEST

SP_TESTS("router-pattern", patterns_are_taken_apart,
         a_malformed_pattern_is_refused_where_it_is_wrong,
         patterns_as_others_write_them_are_refused, what_looks_like_that_may_be_meant,
         patterns_have_limits, an_error_shows_the_route_s_method_too)
