/* SPDX-License-Identifier: MIT */
/* test-http1-fields.c - the fast way through the fields finds what the plain one finds. */

#include <stdlib.h>
#include <string.h>

#include "wire/http1-parts.h"

#include "fixture.h"

#define MAX_FIELDS 8

struct result {
    int r;
    const char *why;
    size_t n_read;
    size_t n_fields;
    struct sp_http_field fields[MAX_FIELDS];
    struct sp_http_facts facts;
};

typedef int read_fn(struct sp_http_head *head, struct sp_http_facts *facts, size_t max_fields,
                    struct sp_http_cursor *cursor);

/* `data` has exactly that size, for the sanitizer. */
static void run(struct result *ret, read_fn *read, const char *data, size_t size) {
    struct sp_http_cursor cursor = {data, data, data + size};
    struct sp_http_head head = {.fields = ret->fields};

    memset(ret, 0, sizeof(*ret));
    ret->r = read(&head, &ret->facts, MAX_FIELDS, &cursor);
    ret->why = head.why;
    if (ret->r > 0) {
        ret->n_read = (size_t)(cursor.at - data);
        ret->n_fields = head.n_fields;
    } else {
        memset(ret->fields, 0, sizeof(ret->fields)); /* unfinished */
        ret->facts = (struct sp_http_facts){0};
    }
}

static void check_bytes(const char *data, size_t size) {
    static struct result fast, plain;
    char *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    run(&fast, sp_http_read_fields, copy, size);
    run(&plain, sp_http_read_fields_plainly, copy, size);
    ck_assert_int_eq(fast.r, plain.r);
    ck_assert_uint_eq(fast.n_read, plain.n_read);
    ck_assert_uint_eq(fast.n_fields, plain.n_fields);
    ck_assert_str_eq(fast.why ? fast.why : "", plain.why ? plain.why : "");
    ck_assert_int_eq(memcmp(fast.fields, plain.fields, sizeof(fast.fields)), 0);
    ck_assert_int_eq(memcmp(&fast.facts, &plain.facts, sizeof(fast.facts)), 0);
    free(copy);
}

static const char *const sections[] = {
    "\r\n",
    "A:\r\n\r\n",
    "Host: x\r\nContent-Length:5 \r\nA-Name-of-more-than-32-bytes-which-fill-a-vector: \t b c "
    "\t\r\n"
    "Connection: keep-alive, Upgrade\r\nUpgrade:\tx\r\n\r\nbehind it another request, of some size",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*\r\n"
    "EXPECT: 100-continue\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "Cookie: a-value-of-more-than-128-bytes; which-is-two-looks-of-64 and then some; "
    "and-a\ttab-and "
    "what-is-behind-it; as-cookies-are-when-there-are-many-of-them \r\nEmpty: \r\nVoid:\r\n"
    "Last: of them\r\n\r\nanother request, so that the lines above are read where they are far "
    "from the end of what there is",
    "a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\nf:6\r\ng:7\r\nh:8\r\n\r\n",
    "a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\nf:6\r\ng:7\r\nh:8\r\ni:9\r\n\r\n",
};

START_TEST(cut_anywhere) {
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        for (size_t size = 0; size <= strlen(sections[i]); size++) {
            check_bytes(sections[i], size);
        }
    }
}
END_TEST

START_TEST(any_byte_anywhere) {
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        size_t size = strlen(sections[i]);
        char *changed = strdup(sections[i]);

        for (size_t at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                changed[at] = (char)byte;
                check_bytes(changed, size);
            }
            changed[at] = sections[i][at];
        }
        free(changed);
    }
}
END_TEST

/* The comparison itself notices what is read. */
START_TEST(what_is_found) {
    static const char text[] = "Host: h\r\nconnection:close \r\n\r\nnext";
    struct result result;

    run(&result, sp_http_read_fields, text, sizeof(text) - 1);
    ck_assert_int_eq(result.r, 1);
    ck_assert_uint_eq(result.n_read, sizeof(text) - 1 - 4);
    ck_assert_uint_eq(result.n_fields, 2);
    ck_assert_uint_eq(result.facts.n_host, 1);
    ck_assert(result.facts.close);
    ck_assert_uint_eq(result.fields[1].name.at, 9);
    ck_assert_uint_eq(result.fields[1].name.size, 10);
    ck_assert_uint_eq(result.fields[1].value.at, 20);
    ck_assert_uint_eq(result.fields[1].value.size, 5);
}
END_TEST

SP_TESTS("http1-fields", cut_anywhere, any_byte_anywhere, what_is_found)
