/* SPDX-License-Identifier: MIT */
/* test-read-file.c - small files as strings. */

#include "os/read-file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static void write_file(const char *name, size_t size) {
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < size; i++) {
        fputc('a', file);
    }
    fclose(file);
}

START_TEST(a_file_is_read_up_to_its_limit) {
    static const size_t sizes[] = {0, 1, 999, 1000};
    char *text = NULL;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        write_file("file", sizes[i]);
        ck_assert_int_eq(sp_read_file(&text, "file", 1000), (ssize_t)sizes[i]);
        ck_assert_uint_eq(strlen(text), sizes[i]);
        free(text);
    }
    text = NULL;
    write_file("file", 1001);
    ck_assert_int_eq(sp_read_file(&text, "file", 1000), -EFBIG);
    ck_assert_int_eq(sp_read_file(&text, "none", 1000), -ENOENT);
    ck_assert_int_eq(sp_read_file(&text, ".", 1000), -EISDIR);
    ck_assert_ptr_null(text);
}
END_TEST

SP_TESTS("read-file", a_file_is_read_up_to_its_limit)
