/* SPDX-License-Identifier: MIT */
/* test-negotiate.c - lists with weights, and what they choose. */

#include "wire/negotiate.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"

static struct sp_slice field(const char *text) {
    return (struct sp_slice){text, text ? strlen(text) : 0};
}

START_TEST(lists_are_taken_apart) {
    static const struct {
        const char *text, *items; /* "value|parameters|weight," */
    } cases[] = {
        {"", ""},
        {" , ,, ", ""},
        {"gzip", "gzip||1000,"},
        {"gzip;q=0.5, br ; q=1 ,x", "gzip||500,br||1000,x||1000,"},
        {"a;q=0,b;q=0.0,c;q=0.001,d;q=1.000,e;q=0.0009", "a||0,b||0,c||1,d||1000,e||0,"},
        {"a;q=.5,b;q=1.5,c;q=7,d;Q=0.25,e;q=0.", "a||500,b||1000,c||1000,d||250,e||0,"},
        {"a;q=,b;q=x,c;q=-1,d;q=0.5x,e;q=.,f", "f||1000,"},
        {"text/html;level=1;q=0.5;x=y", "text/html|;level=1|500,"},
        {"text/html ; level=1 ; charset=utf-8", "text/html|; level=1 ; charset=utf-8|1000,"},
        {"a;x=\"b,c;q=0\";q=0.5,d", "a|;x=\"b,c;q=0\"|500,d||1000,"},
        {"a;x=\"\\\",b\";q=0.5,c", "a|;x=\"\\\",b\"|500,c||1000,"},
        {"a;x=\"unclosed,b", "a|;x=\"unclosed,b|1000,"},
        {"a;;q=0.5", "a|;|500,"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *at = cases[i].text, *end = at + strlen(at);
        struct sp_accept_item item;
        char got[256] = "";

        while (sp_accept_next(&item, &at, end)) {
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s|%.*s|%d,",
                     (int)item.value.size, item.value.data, (int)item.parameters.size,
                     item.parameters.data, item.weight);
        }
        ck_assert_str_eq(got, cases[i].items);
    }
}
END_TEST

START_TEST(tokens_have_weights) {
    ck_assert_int_eq(sp_accept_token_weight(field("gzip;q=0.5,*;q=0.1"), "gzip", NULL), 500);
    ck_assert_int_eq(sp_accept_token_weight(field("*;q=0.1, X-GZIP"), "gzip", "x-gzip"), 1000);
    ck_assert_int_eq(sp_accept_token_weight(field("*;q=0.1, br"), "gzip", "x-gzip"), 100);
    ck_assert_int_eq(sp_accept_token_weight(field("gzip;q=0, *"), "gzip", NULL), 0);
    ck_assert_int_eq(sp_accept_token_weight(field("gzipped"), "gzip", NULL), 0);
    ck_assert_int_eq(sp_accept_token_weight(field(""), "gzip", NULL), 0);
    ck_assert_int_eq(sp_accept_token_weight(field(NULL), "gzip", NULL), 0);
    ck_assert_int_eq(sp_accept_token_weight_named(field("*, identity;q=0"), "identity"), 0);
    ck_assert_int_eq(sp_accept_token_weight_named(field("*"), "identity"), -1);
}
END_TEST

/* What is chosen, checked against npm's negotiator 0.6.3 (what Express asks) but where noted. */
START_TEST(types_are_chosen) {
    static const struct {
        const char *accept;
        const char *offers[4];
        int chosen;
    } cases[] = {
        {NULL, {"a/b", "c/d"}, 0},
        {"", {"a/b", "c/d"}, 0}, /* negotiator: none */
        {"text/html;q=.5,application/json", {"text/html", "application/json"}, 1},
        {"text/html,application/json", {"application/json", "text/html"}, 1}, /* client's order */
        {"*/*", {"application/json", "text/html"}, 0},
        {"*", {"application/json", "text/html"}, 0}, /* negotiator: none */
        {"text/*, text/html;q=0.1", {"text/html", "text/plain"}, 1},
        {"text/*, text/plain", {"text/html", "text/plain"}, 1},
        {"*/*;q=0.1, text/*;q=0.5", {"image/png", "text/css"}, 1},
        {"text/html;q=0, */*", {"text/html", "text/plain"}, 1},
        {"text/html;q=0", {"text/html"}, -1},
        {"image/png", {"text/html", "text/plain"}, -1},
        {"TEXT/HTML", {"text/html"}, 0},
        {"textx/*", {"text/html"}, -1},
        {"tex/*", {"text/html"}, -1},
        {"text/html;level=1", {"text/html"}, -1},
        {"text/html;level=1", {"text/html", "text/html;level=1"}, 1},
        {"text/html;q=0.7, text/html;level=1;q=0.5", {"text/html; level=1", "text/html"}, 1},
        {"text/html;charset=UTF-8", {"text/html; charset=utf-8"}, 0},
        /* a browser's */
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
         {"application/json", "text/html"},
         1},
        {"application/json", {NULL}, -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = 0;

        while (n < 4 && cases[i].offers[n]) {
            n++;
        }
        ck_assert_msg(sp_accept_choose_type(field(cases[i].accept), cases[i].offers, n) ==
                          cases[i].chosen,
                      "case %zu: %s", i, cases[i].accept);
    }
}
END_TEST

START_TEST(languages_are_chosen) {
    static const struct {
        const char *accept;
        const char *offers[4];
        int chosen;
    } cases[] = {
        {NULL, {"en", "de"}, 0},
        {"de", {"en", "de"}, 1},
        {"de-CH, fr;q=0.5", {"fr", "de"}, 1},
        {"de-CH;q=0.9, fr", {"de", "fr"}, 1},
        {"en", {"en-GB", "de"}, 0},
        {"en, en-GB;q=0.5", {"en-GB", "en-US"}, 1},
        {"zh-Hant-TW", {"en", "zh-Hant"}, 1},
        {"e", {"en"}, -1},
        {"fr", {"en", "de"}, -1},
        {"fr, *;q=0.1", {"en", "de"}, 0},
        {"en;q=0, *", {"en-US", "de"}, 1},
        {"EN-us", {"en-US"}, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = 0;

        while (n < 4 && cases[i].offers[n]) {
            n++;
        }
        ck_assert_msg(sp_accept_choose_language(field(cases[i].accept), cases[i].offers, n) ==
                          cases[i].chosen,
                      "case %zu: %s", i, cases[i].accept);
    }
}
END_TEST

SP_TESTS("negotiate", lists_are_taken_apart, tokens_have_weights, types_are_chosen,
         languages_are_chosen)
