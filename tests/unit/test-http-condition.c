/* SPDX-License-Identifier: MIT */
/* test-http-condition.c - conditional requests. */

#include <string.h>

#include "fixture.h"
#include "wire/http-condition.h"

#define NOW    1790000000
#define DATE   784111777
#define SAME   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static struct sp_slice slice(const char *text) {
    return (struct sp_slice){text, text ? strlen(text) : 0};
}

static bool has(const char *list, const char *etag, bool weakly) {
    return sp_http_etag_matches(slice(list), etag, weakly);
}

START_TEST(tags_are_compared_strongly_and_weakly) {
    ck_assert(has("\"a\"", "\"a\"", false));
    ck_assert(!has("W/\"a\"", "\"a\"", false));
    ck_assert(!has("\"a\"", "W/\"a\"", false));
    ck_assert(!has("W/\"a\"", "W/\"a\"", false));
    ck_assert(has("W/\"a\"", "\"a\"", true));
    ck_assert(has("\"a\"", "W/\"a\"", true));
    ck_assert(has("W/\"a\"", "W/\"a\"", true));
    ck_assert(!has("\"b\"", "\"a\"", true));
    ck_assert(!has("w/\"a\"", "\"a\"", true)); /* case counts (RFC 9110 8.8.3) */
}
END_TEST

START_TEST(lists_of_tags) {
    ck_assert(has("\"x\", \"a\"", "\"a\"", false));
    ck_assert(has("\"x\",,W/\"y\"\t,\"a\",", "\"a\"", false));
    ck_assert(has("\"x,\", \"a\"", "\"a\"", false));
    ck_assert(!has("\"x, \\\"a\\\"\"", "\"a\"", false));
    ck_assert(has("a, \"a\"", "\"a\"", false)); /* the first is none */
    ck_assert(has("*", "\"a\"", false));
    ck_assert(has("*", NULL, false));
    ck_assert(!has("\"a\"", NULL, true));
    ck_assert(!has("a", "\"a\"", true));
    ck_assert(!has("\"a", "\"a\"", true));
    ck_assert(!has("", "\"a\"", true));
    ck_assert(!has("W/", "\"a\"", true));
    ck_assert(!has("\"", "\"a\"", true));
}
END_TEST

static int check(const char *match, const char *unmodified, const char *none_match,
                 const char *modified, const char *etag) {
    const struct sp_http_conditions conditions = {
        .if_match = slice(match),
        .if_unmodified_since = slice(unmodified),
        .if_none_match = slice(none_match),
        .if_modified_since = slice(modified),
    };
    const struct sp_http_validators validators = {
        .etag = etag, .modified = DATE, .has_modified = true};

    return sp_http_check_conditions(&conditions, &validators, NOW);
}

START_TEST(conditions_come_in_their_order) {
    ck_assert_int_eq(check(NULL, NULL, NULL, NULL, "\"a\""), 0);
    ck_assert_int_eq(check("\"a\"", NULL, NULL, NULL, "\"a\""), 0);
    ck_assert_int_eq(check("\"b\"", NULL, NULL, NULL, "\"a\""), 412);
    ck_assert_int_eq(check("W/\"a\"", NULL, NULL, NULL, "W/\"a\""), 412);
    ck_assert_int_eq(check("*", NULL, NULL, NULL, "W/\"a\""), 0);
    ck_assert_int_eq(check(NULL, SAME, NULL, NULL, "\"a\""), 0);
    ck_assert_int_eq(check(NULL, BEFORE, NULL, NULL, "\"a\""), 412);
    ck_assert_int_eq(check("\"a\"", BEFORE, NULL, NULL, "\"a\""), 0); /* the tag alone decides */
    ck_assert_int_eq(check(NULL, NULL, "\"a\"", NULL, "\"a\""), 304);
    ck_assert_int_eq(check(NULL, NULL, "W/\"a\"", NULL, "\"a\""), 304);
    ck_assert_int_eq(check(NULL, NULL, "*", NULL, NULL), 304);
    ck_assert_int_eq(check(NULL, NULL, "\"b\"", SAME, "\"a\""), 0); /* likewise */
    ck_assert_int_eq(check(NULL, NULL, NULL, SAME, "\"a\""), 304);
    ck_assert_int_eq(check(NULL, NULL, NULL, AFTER, "\"a\""), 304);
    ck_assert_int_eq(check(NULL, NULL, NULL, BEFORE, "\"a\""), 0);
    ck_assert_int_eq(check("\"b\"", NULL, "\"a\"", NULL, "\"a\""), 412);
    ck_assert_int_eq(check("\"a\"", NULL, "\"a\"", NULL, "\"a\""), 304);
    ck_assert_int_eq(check(NULL, "nonsense", NULL, "nonsense", "\"a\""), 0);
    ck_assert_int_eq(check("", NULL, NULL, NULL, "\"a\""), 412); /* it lists none */
}
END_TEST

static bool may_follow(const char *if_range, const char *etag, bool is_strong) {
    const struct sp_http_validators validators = {
        .etag = etag, .modified = DATE, .has_modified = true, .is_modified_strong = is_strong};

    return sp_http_check_if_range(slice(if_range), &validators, NOW);
}

START_TEST(if_range_wants_proof) {
    ck_assert(may_follow("\"a\"", "\"a\"", true));
    ck_assert(!may_follow("\"b\"", "\"a\"", true));
    ck_assert(!may_follow("W/\"a\"", "W/\"a\"", true));
    ck_assert(!may_follow("W/\"a\"", "\"a\"", true));
    ck_assert(!may_follow("\"a\"", NULL, true));
    ck_assert(!may_follow("*", "\"a\"", true));
    ck_assert(may_follow(SAME, "\"a\"", true));
    ck_assert(!may_follow(SAME, "\"a\"", false));
    ck_assert(!may_follow(AFTER, "\"a\"", true));
    ck_assert(!may_follow(BEFORE, "\"a\"", true));
    ck_assert(!may_follow("", "\"a\"", true));
    ck_assert(!may_follow("nonsense", "\"a\"", true));
}
END_TEST

SP_TESTS("http-condition", tags_are_compared_strongly_and_weakly, lists_of_tags,
         conditions_come_in_their_order, if_range_wants_proof)
