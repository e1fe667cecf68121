/* SPDX-License-Identifier: MIT */
/* test-multipart.c - forms, cut everywhere; what is malformed; what clients send. */

#include "wire/multipart.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* ---- what comes out of a form, as a text ----------------------------------------------------- */

struct reading {
    struct sp_multipart multipart;
    char room[512];
    char text[8192]; /* "(name|filename|type)content." for each part, "END" */
    bool is_in_data;
    int error;
};

static void note(struct reading *reading, const char *data, size_t size) {
    size_t used = strlen(reading->text);

    ck_assert_uint_lt(used + size, sizeof(reading->text));
    for (size_t i = 0; i < size; i++) { /* CR and NUL, so that strings can be compared */
        reading->text[used + i] = data[i] == '\r' ? '^' : data[i] ? data[i] : '0';
    }
    reading->text[used + size] = '\0';
}

static void note_event(struct reading *reading, int event, struct sp_slice piece) {
    const struct sp_multipart_part *part = &reading->multipart.part;
    char line[600];

    switch (event) {
    case SP_MULTIPART_PART:
        snprintf(line, sizeof(line), "(%s|%s|%s)", part->name,
                 part->filename ? part->filename : "-", part->type ? part->type : "-");
        note(reading, line, strlen(line));
        break;
    case SP_MULTIPART_DATA:
        ck_assert_uint_gt(piece.size, 0);
        note(reading, piece.data, piece.size);
        break;
    case SP_MULTIPART_PART_END:
        note(reading, ".", 1);
        break;
    case SP_MULTIPART_END:
        note(reading, "END", 3);
        break;
    default:
        break;
    }
}

/* Gives `size` bytes in memory of exactly that size. */
static void give(struct reading *reading, const char *data, size_t size) {
    char *copy = malloc(size ? size : 1);
    size_t at = 0, consumed;
    struct sp_slice piece;
    int r;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, size);
    do {
        r = sp_multipart_step(&reading->multipart, copy + at, size - at, &consumed, &piece);
        ck_assert_uint_le(consumed, size - at);
        at += consumed;
        note_event(reading, r, piece);
    } while (r > 0);
    ck_assert(r < 0 || at == size);
    reading->error = r;
    free(copy);
}

static void begin(struct reading *reading, const char *boundary) {
    memset(reading, 0, sizeof(*reading));
    sp_multipart_init(&reading->multipart, boundary, strlen(boundary), reading->room,
                      sizeof(reading->room), 3);
}

static void end(struct reading *reading) {
    if (reading->error == 0) {
        reading->error = sp_multipart_finish(&reading->multipart);
    }
    if (reading->error < 0) {
        ck_assert_ptr_nonnull(reading->multipart.why);
    }
}

/* Read whole, cut in two at every place, and byte by byte. */
static void check_form(const char *boundary, const char *form, size_t size, const char *expected,
                       int error) {
    static struct reading reading;

    for (size_t cut = 0; cut <= size; cut++) {
        begin(&reading, boundary);
        give(&reading, form, cut);
        if (reading.error == 0) {
            give(&reading, form + cut, size - cut);
        }
        end(&reading);
        ck_assert_int_eq(reading.error, error);
        if (expected) {
            ck_assert_str_eq(reading.text, expected);
        }
    }
    begin(&reading, boundary);
    for (size_t at = 0; at < size && reading.error == 0; at++) {
        give(&reading, form + at, 1);
    }
    end(&reading);
    ck_assert_int_eq(reading.error, error);
    if (expected) {
        ck_assert_str_eq(reading.text, expected);
    }
}

#define FIELD(name)       "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define CHECK(form, text) check_form("b", form, sizeof(form) - 1, text, 0)

/* ---- forms ----------------------------------------------------------------------------------- */

START_TEST(parts_are_read) {
    CHECK("--b\r\n" FIELD("x") "\r\none\r\n--b--\r\n", "(x|-|-)one.END");
    CHECK("--b\r\n" FIELD("x") "\r\none\r\n--b\r\n" FIELD("y") "\r\ntwo\r\n--b--",
          "(x|-|-)one.(y|-|-)two.END");
    CHECK("--b\r\ncontent-type:  text/csv \r\n"
          "Content-Disposition:form-data; name=f; filename=\"a b.csv\"\r\n\r\n1,2\r\n--b--\r\n",
          "(f|a b.csv|text/csv)1,2.END");
    CHECK("--b--\r\n", "END");
    CHECK("--b--", "END");
    CHECK("preamble, \r\n-\r\n--\r\r\n--b\r\n" FIELD("x") "\r\n\r\n--b--epilogue \r\n--b\r\n",
          "(x|-|-).END");
    CHECK("--b \t\r\n" FIELD("x") "\r\none\r\n--b\t\r\n" FIELD("") "\r\n\r\n--b--",
          "(x|-|-)one.(|-|-).END");
}
END_TEST

START_TEST(content_may_look_like_a_boundary) {
    CHECK("--b\r\n" FIELD("x") "\r\n\r\n\r\n\r\n--b--", "(x|-|-)^\n^\n.END");
    CHECK("--b\r\n" FIELD("x") "\r\n\r\r\n\r\r\n--b--", "(x|-|-)^^\n^.END");
    CHECK("--b\r\n" FIELD("x") "\r\n-\r\n-\r\n--\r\n--a\n--b--b\r\n--b--",
          "(x|-|-)-^\n-^\n--^\n--a\n--b--b.END");
    CHECK("--b\r\n" FIELD("x") "\r\n\r\n-\r\n--b--", "(x|-|-)^\n-.END");
    CHECK("--b\r\n" FIELD("x") "\r\n--B\r\n--b--", "(x|-|-)--B.END");
    CHECK("--b\r\n" FIELD("x") "\r\n-\r\n--b--", "(x|-|-)-.END");
    /* RFC 2046 5.1.1: no content and no line break of its own */
    CHECK("--b\r\n" FIELD("x") "\r\n--b--", "(x|-|-).END");
    CHECK("--b\r\n" FIELD("x") "\r\n\0\0\r\n--b--", "(x|-|-)00.END");
    {
        static const char form[] = "------x--x\r\n" FIELD("x") "\r\n\r\n------x-\r\n------x--x--";

        check_form("----x--x", form, sizeof(form) - 1, "(x|-|-)^\n------x-.END", 0);
    }
}
END_TEST

START_TEST(names_are_unescaped) {
    CHECK("--b\r\n" FIELD("a%22b\\\"c\\\\d\\e%0D%41%2") "\r\n\r\n--b--",
          "(a\"b\"c\\d\\e%0D%41%2|-|-).END");
    CHECK("--b\r\n" FIELD("x\"; filename=\"") "\r\n\r\n--b--", "(x||-).END");
    CHECK("--b\r\n" FIELD("x\"; filename=\"\xe2\x82\xac;.txt") "\r\n\r\n--b--",
          "(x|\xe2\x82\xac;.txt|-).END");
    CHECK("--b\r\n" FIELD(
              "x\"; filename=\"no\"; filename*=utf-8''%e2%82%ac%20r.txt; a=\"") "\r\n\r\n--b--",
          "(x|\xe2\x82\xac r.txt|-).END");
    CHECK("--b\r\n" FIELD("x\"; Filename=\"../../etc/passwd") "\r\n\r\n--b--",
          "(x|../../etc/passwd|-).END"); /* whose business it is to look at that */
}
END_TEST

#define REFUSE(form) check_form("b", form, sizeof(form) - 1, NULL, -EBADMSG)
#define REFUSE_HEADERS(headers)                \
    REFUSE("--b\r\n" headers "\r\n\r\n--b--"); \
    REFUSE("--b\r\n" headers "\r\nX: y\r\n\r\n\r\n--b--")

START_TEST(malformed_forms_are_refused) {
    REFUSE("");
    REFUSE("no boundary at all");
    REFUSE("--b");
    REFUSE("--b-");
    REFUSE("--b-x");
    REFUSE("--b\r\n");
    REFUSE("--bb\r\n");
    REFUSE("--b\n" FIELD("x") "\r\n\r\n--b--");
    REFUSE("--b\rx" FIELD("x") "\r\n\r\n--b--");
    REFUSE("--b \r \n" FIELD("x") "\r\n\r\n--b--");
    REFUSE("--b\r\n" FIELD("x") "\r\none\r\n--bb\r\n\r\n--b--");
    REFUSE("--b\r\n" FIELD("x") "\r\none\r\n--b -\r\n\r\n--b--");
    REFUSE("--b\r\n" FIELD("x") "\r\none\n--b--");
    REFUSE("--b\r\n" FIELD("x") "\r\none\r\n--b");
    REFUSE("--b\r\n" FIELD("x") "\r\none\r\n--b\r\n--b--");
    REFUSE("--b\r\n\r\none\r\n--b--");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x\n");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x\r");
    REFUSE_HEADERS("Content-Disposition: form-data;\r\n name=x");
    REFUSE_HEADERS("Content-Disposition : form-data; name=x");
    REFUSE_HEADERS("Content-Disposition: form-data; name=\"x\ty\x01\"");
    REFUSE_HEADERS("Content-Disposition: form-data; name=\"x\0\"");
    REFUSE_HEADERS("Content-Disposition: form-data; name=\"x");
    REFUSE_HEADERS("Content-Disposition: form-data; name");
    REFUSE_HEADERS("Content-Disposition: form-data");
    REFUSE_HEADERS("Content-Disposition: form-data; filename=x");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; name=y");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename=y; filename=y");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename*=latin1''y");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename*=utf-8''y%0az");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename*=utf-8''y%00");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename*=utf-8''y%z");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x; filename*=utf-8'y");
    REFUSE_HEADERS("Content-Disposition: attachment; name=x");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x\r\nno colon");
    REFUSE_HEADERS("Content-Disposition: form-data; name=x\r\n: no name");
    REFUSE_HEADERS(FIELD("x") "Content-Disposition: form-data; name=x");
    REFUSE_HEADERS(FIELD("x") "Content-Type: a/b\r\nContent-Type: a/b");
    REFUSE_HEADERS(FIELD("x") "Content-Transfer-Encoding: base64");
}
END_TEST

START_TEST(there_are_limits) {
    static const char head[] = "--b\r\n" FIELD("x");
    char form[1024], filler[600];
    size_t n_line = sizeof(FIELD("x")) - 1;

    /* the room has 512 bytes: these headers fill it, and the empty line */
    memset(filler, 'y', sizeof(filler));
    snprintf(form, sizeof(form), "%sA: %.*s\r\n\r\nz\r\n--b--", head, (int)(512 - n_line - 7),
             filler);
    check_form("b", form, strlen(form), "(x|-|-)z.END", 0);
    snprintf(form, sizeof(form), "%sA: %.*s\r\n\r\nz\r\n--b--", head, (int)(512 - n_line - 6),
             filler);
    check_form("b", form, strlen(form), NULL, -EMSGSIZE);
    snprintf(form, sizeof(form), "--b\r\n%.*s", (int)sizeof(filler), filler);
    check_form("b", form, strlen(form), NULL, -EMSGSIZE);
    /* and three parts may come */
#define PART FIELD("x") "\r\n1\r\n--b"
    CHECK("--b\r\n" PART "\r\n" PART "\r\n" PART "--", "(x|-|-)1.(x|-|-)1.(x|-|-)1.END");
    snprintf(form, sizeof(form), "--b\r\n%s\r\n%s\r\n%s\r\n%s--", PART, PART, PART, PART);
    check_form("b", form, strlen(form), "(x|-|-)1.(x|-|-)1.(x|-|-)1.", -EMSGSIZE);
}
END_TEST

START_TEST(an_error_stays) {
    struct reading reading;

    begin(&reading, "b");
    give(&reading, "--bx", 4);
    ck_assert_int_eq(reading.error, -EBADMSG);
    give(&reading, "--b--", 5);
    ck_assert_int_eq(reading.error, -EBADMSG);
    ck_assert_int_eq(sp_multipart_finish(&reading.multipart), -EBADMSG);
}
END_TEST

START_TEST(boundaries_are_found) {
    static const struct {
        const char *type;
        int size;
        const char *boundary;
    } cases[] = {
        {"multipart/form-data; boundary=abc", 3, "abc"},
        {"Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b:c\"", 5, "a b:c"},
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW", 37,
         "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234"
         "567890123456789",
         70, "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234"
         "5678901234567890",
         -EBADMSG, NULL},
        {"multipart/form-data", -EBADMSG, NULL},
        {"multipart/form-data; boundary=", -EBADMSG, NULL},
        {"multipart/form-data; boundary=\"\"", -EBADMSG, NULL},
        {"multipart/form-data; boundary=\"a \"", -EBADMSG, NULL},
        {"multipart/form-data; boundary=\"a\\\"b\"", -EBADMSG, NULL},
        {"multipart/form-data; boundary=a*b", -EBADMSG, NULL},
        {"multipart/form-data; boundary=a; boundary=b", -EBADMSG, NULL},
        {"multipart/form-data; boundary=a b", -EBADMSG, NULL},
        {"multipart/mixed; boundary=abc", -EMEDIUMTYPE, NULL},
        {"", -EMEDIUMTYPE, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char boundary[SP_MULTIPART_MAX_BOUNDARY];
        int r = sp_multipart_boundary(boundary, cases[i].type, strlen(cases[i].type));

        ck_assert_msg(r == cases[i].size, "%s: %d", cases[i].type, r);
        if (r > 0) {
            ck_assert_mem_eq(boundary, cases[i].boundary, (size_t)r);
        }
    }
}
END_TEST

/* Content that is nearly a boundary all along costs no more than any other. */
START_TEST(large_content_comes_in_large_pieces) {
    static const char head[] = "--b\r\n" FIELD("f") "\r\n";
    size_t size = 4 * 1024 * 1024, at = 0, n_pieces = 0, consumed;
    char *content = malloc(size);
    struct reading reading;
    struct sp_slice piece;

    for (size_t i = 0; i < size; i++) {
        content[i] = "\r\n--"[i % 4];
    }
    begin(&reading, "b");
    give(&reading, head, sizeof(head) - 1);
    while (at < size) {
        int r = sp_multipart_step(&reading.multipart, content + at, size - at, &consumed, &piece);

        ck_assert_int_ge(r, 0);
        at += consumed;
        n_pieces += r == SP_MULTIPART_DATA;
    }
    ck_assert_uint_le(n_pieces, 2);
    free(content);
}
END_TEST

SP_TESTS("multipart", parts_are_read, content_may_look_like_a_boundary, names_are_unescaped,
         malformed_forms_are_refused, there_are_limits, an_error_stays, boundaries_are_found,
         large_content_comes_in_large_pieces)
