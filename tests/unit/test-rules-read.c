/* SPDX-License-Identifier: MIT */
/* test-rules-read.c - rules as they are written, and what is wrong with them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "web/rules.h"

static struct sunpath_rules *rules;
static struct sunpath_error error;

START_TEST(lines_are_rules) {
    const struct sp_rule *at;

    ck_assert_int_eq(sunpath_rules_parse(&rules,
                                         "# none\n\n \t\nredirect\t307  /a /b#c # why\r\n"
                                         "rewrite \"/x y\" /z\nheader /a N \"v # \\\" w\"\n"
                                         "header /a +N v\nheader /a -N",
                                         "text", &error),
                     0);
    at = rules->first;
    ck_assert_int_eq(at->kind, SP_RULE_REDIRECT);
    ck_assert_int_eq(at->status, 307);
    ck_assert_str_eq(at->fragment, "#c");
    at = at->next;
    ck_assert_int_eq(at->kind, SP_RULE_REWRITE);
    at = at->next;
    ck_assert_int_eq(at->kind, SP_RULE_SET);
    ck_assert_str_eq(at->value, "v # \" w");
    at = at->next;
    ck_assert_int_eq(at->kind, SP_RULE_ADD);
    ck_assert_str_eq(at->name, "N");
    at = at->next;
    ck_assert_int_eq(at->kind, SP_RULE_REMOVE);
    ck_assert_ptr_null(at->next);
    ck_assert_uint_eq(rules->n, 5);
    rules = sunpath_rules_free(rules);
    ck_assert_int_eq(sunpath_rules_parse(&rules, "", "text", &error), 0);
    rules = sunpath_rules_free(rules);
    ck_assert_ptr_null(sunpath_rules_free(NULL));
}
END_TEST

START_TEST(mistakes_have_a_line) {
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"\n\nmove /a /b", "line 3: a rule begins with"},
        {"redirect 300 /a /b", "line 1: a redirect's status"},
        {"redirect /a /b", "not 'redirect STATUS"},
        {"rewrite /a", "not 'rewrite PATTERN"},
        {"rewrite /a /b c d", "too many words"},
        {"rewrite \"/a /b", "double quotes"},
        {"rewrite \"/a\"b /b", "double quotes"},
        {"rewrite a /b", "line 1: "},
        {"rewrite /(a /b", "line 1: "},
        {"header /a Date x", "no header's name"},
        {"header /a N: x", "no header's name"},
        {"header /a \"\" x", "no header's name"},
        {"header /a N \"\x01\"", "may not stand"},
        {"header /a N", "value is missing"},
        {"header /a +N", "value is missing"},
        {"header /a -N x", "has no value"},
        {"header /a -Content-Type", "only be set"},
        {"header /a -content-length", "no header's name"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(sunpath_rules_parse(&rules, bad[i].text, "na\nme", &error) == -EINVAL, "%s",
                      bad[i].text);
        ck_assert_msg(strstr(error.text, bad[i].why) && strstr(error.text, "na\\nme"), "%s",
                      error.text);
        ck_assert_ptr_null(rules);
    }
}
END_TEST

/* Writes `n` times `line`. */
static void write_file(const char *line, size_t size, size_t n) {
    FILE *file = fopen("rules", "w");

    ck_assert_ptr_nonnull(file);
    while (n-- > 0) {
        fwrite(line, 1, size, file);
    }
    ck_assert_int_eq(ferror(file), 0);
    fclose(file);
}

START_TEST(files_have_limits) {
    static const char line[] = "rewrite /a /b\n";
    static char long_line[SP_RULES_MAX_LINE + 2];

    write_file(line, strlen(line), SP_RULES_MAX);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), 0);
    ck_assert_uint_eq(rules->n, SP_RULES_MAX);
    rules = sunpath_rules_free(rules);
    write_file(line, strlen(line), SP_RULES_MAX + 1);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error.text, "line 1001: there are too many"));
    memset(long_line, '#', sizeof(long_line));
    write_file(long_line, SP_RULES_MAX_LINE, 1);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), 0);
    rules = sunpath_rules_free(rules);
    write_file(long_line, SP_RULES_MAX_LINE + 1, 1);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), -EINVAL);
    write_file("# \0", 3, 1);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), -EINVAL);
    write_file("\n", 1, SP_RULES_MAX_TEXT + 1);
    ck_assert_int_eq(sunpath_rules_load(&rules, "rules", &error), -EFBIG);
    ck_assert_int_eq(sunpath_rules_load(&rules, "none", &error), -ENOENT);
}
END_TEST

SP_TESTS("rules-read", lines_are_rules, mistakes_have_a_line, files_have_limits)
