/* SPDX-License-Identifier: MIT */
/* test-media-type.c - types, parameters, charsets. */

#include "wire/media-type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

START_TEST(fields_are_taken_apart) {
    static const struct {
        const char *text, *parts; /* "value|name=value|", "!" for malformed */
    } cases[] = {
        {"", "|"},
        {"text/plain", "text/plain|"},
        {" text/plain ; charset=utf-8", "text/plain|charset=utf-8|"},
        {"a;b=c;d=\"e;f\" ;g=\"\\\"h\"", "a|b=c|d=e;f|g=\\\"h|"},
        {"a;", "a|"},
        {"a; ;;b=c", "a|b=c|"},
        {"a;b", "a|!"},
        {"a;=c", "a|!"},
        {"a;b=", "a|!"},
        {"a;b =c", "a|!"},
        {"a;b= c", "a|!"},
        {"a;b=c d", "a|b=c|!"},
        {"a;b=\"c", "a|!"},
        {"a;b=\"c\\", "a|!"},
        {"a;b=\"c\\\"", "a|!"},
        {"a;b=\"\"", "a|b=|"},
        {"a;b=\"c\"d", "a|b=c|!"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size = strlen(cases[i].text);
        const char *at, *end = cases[i].text + size;
        struct sp_slice value = sp_media_value(cases[i].text, size, &at);
        struct sp_parameter parameter;
        char got[256];
        int r;

        snprintf(got, sizeof(got), "%.*s|", (int)value.size, value.data);
        while ((r = sp_parameter_next(&parameter, &at, end)) > 0) {
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s=%.*s|",
                     (int)parameter.name.size, parameter.name.data, (int)parameter.value.size,
                     parameter.value.data);
        }
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s", r < 0 ? "!" : "");
        ck_assert_str_eq(got, cases[i].parts);
        ck_assert(r < 0 || at == end);
    }
}
END_TEST

START_TEST(types_are_told) {
    ck_assert(sp_media_type_is("Application/JSON; charset=x", 27, "application/json"));
    ck_assert(!sp_media_type_is("application/jsonx", 17, "application/json"));
    ck_assert(!sp_media_type_is("application/jso", 15, "application/json"));
    ck_assert(!sp_media_type_is("", 0, "application/json"));
}
END_TEST

START_TEST(one_parameter_is_found) {
    struct sp_parameter parameter;

    ck_assert_int_eq(sp_media_parameter(&parameter, "a;B=c;d=e", 9, "b"), 1);
    ck_assert_mem_eq(parameter.value.data, "c", 1);
    ck_assert_int_eq(sp_media_parameter(&parameter, "a;B=c;d=e", 9, "x"), 0);
    ck_assert_int_eq(sp_media_parameter(&parameter, "a;b=c;B=c", 9, "b"), -EBADMSG);
    ck_assert_int_eq(sp_media_parameter(&parameter, "a;b=c;d", 7, "b"), -EBADMSG);
}
END_TEST

START_TEST(charsets_are_told) {
    static const struct {
        const char *text;
        int is_utf8;
    } cases[] = {
        {"application/json", 1},
        {"application/json; charset=utf-8", 1},
        {"application/json; charset=\"UTF-8\"", 1},
        {"application/json; charset=us-ascii", 1},
        {"application/json; charset=iso-8859-1", 0},
        {"application/json; charset=utf-16", 0},
        {"application/json; charset=utf-8; charset=utf-8", -EBADMSG},
        {"application/json; charset", -EBADMSG},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(sp_media_is_utf8(cases[i].text, strlen(cases[i].text)) == cases[i].is_utf8,
                      "%s", cases[i].text);
    }
}
END_TEST

SP_TESTS("media-type", fields_are_taken_apart, types_are_told, one_parameter_is_found,
         charsets_are_told)
