/* SPDX-License-Identifier: MIT */
/* test-rules-target.c - targets that are refused; and one that would be too long. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "web/rules.h"

START_TEST(targets_that_lead_nowhere_are_refused) {
    static const struct {
        const char *rule, *why;
    } bad[] = {
        {"rewrite /a b", "not a path"},
        {"rewrite /a https://x/", "not a path"},
        {"rewrite /a //x/", "not a path"},
        {"rewrite /a /b#c", "fragment"},
        {"rewrite /a /b/../c", "segment that is . or .."},
        {"rewrite /a /b/.", "segment that is . or .."},
        {"rewrite /a /%zz", "malformed %"},
        {"rewrite /a /\xc3\xa4", "percent-encoded"},
        {"rewrite /a /\\\\x", "not before : or *"},
        {"rewrite /:a /:b", "that the pattern has not"},
        {"rewrite /:a /x?y=*b", "that the pattern has not"},
        {"redirect 302 /a ftp://x/", "neither a path"},
        {"redirect 302 /a https://x", "neither a path"},
        {"redirect 302 /a https:///x", "host"},
        {"redirect 302 /a https://u@x/", "host"},
        {"redirect 302 /:a https://*a/", "host"},
        {"redirect 302 /a javascript:x", "neither a path"},
    };
    struct sunpath_rules *rules = NULL;
    struct sunpath_error error;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(sunpath_rules_parse(&rules, bad[i].rule, "text", &error) == -EINVAL, "%s",
                      bad[i].rule);
        ck_assert_msg(strstr(error.text, bad[i].why), "%s: %s", bad[i].rule, error.text);
    }
}
END_TEST

START_TEST(what_is_filled_in_has_a_limit) {
    static char value[SP_RULES_MAX_TARGET];
    struct sunpath_rules *rules = NULL;
    struct sp_rule_match match = {.walk = {.separator = '/', .n_values = 1}};
    struct sp_arena arena = {0};
    struct sunpath_error error;
    const struct sp_rule *rule;
    const char *target;

    memset(value, '%', sizeof(value));
    ck_assert_int_eq(sunpath_rules_parse(&rules, "rewrite /:a /:a", "text", &error), 0);
    rule = rules->first;
    match.way = sp_container_of(rule->tree.root.params->endpoints, struct sp_rule_way, endpoint);
    match.walk.values[0] = (struct sp_slice){value, SP_RULES_MAX_TARGET / 3 - 1};
    ck_assert_int_eq(sp_rule_fill(&target, rule, &arena, &match, NULL), 1);
    ck_assert_uint_eq(strlen(target), 1 + 3 * (SP_RULES_MAX_TARGET / 3 - 1));
    ck_assert_mem_eq(target, "/%25%25", 7);
    match.walk.values[0].size++;
    ck_assert_int_eq(sp_rule_fill(&target, rule, &arena, &match, NULL), -EMSGSIZE);
    sp_arena_deinit(&arena);
    sunpath_rules_free(rules);
}
END_TEST

SP_TESTS("rules-target", targets_that_lead_nowhere_are_refused, what_is_filled_in_has_a_limit)
