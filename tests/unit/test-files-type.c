/* SPDX-License-Identifier: MIT */
/* test-files-type.c - what type a file has, by its name. */

#include "filing.h"

START_TEST(types_go_by_the_last_extension) {
    static const char *const types[][2] = {
        {"a.7z", "application/x-7z-compressed"},
        {"a.css", "text/css; charset=utf-8"},
        {"a.html", "text/html; charset=utf-8"},
        {"a.HTM", "text/html; charset=utf-8"},
        {"a.js", "text/javascript; charset=utf-8"},
        {"a.json", "application/json"},
        {"a.jpeg", "image/jpeg"},
        {"a.jpg", "image/jpeg"},
        {"a.mjs", "text/javascript; charset=utf-8"},
        {"a.mp4", "video/mp4"},
        {"a.md", "text/markdown; charset=utf-8"},
        {"a.pdf", "application/pdf"},
        {"a.png", "image/png"},
        {"a.svg", "image/svg+xml"},
        {"a.tar.gz", "application/gzip"},
        {"a.txt", "text/plain; charset=utf-8"},
        {"a.wasm", "application/wasm"},
        {"a.webmanifest", "application/manifest+json"},
        {"a.webp", "image/webp"},
        {"a.woff", "font/woff"},
        {"a.woff2", "font/woff2"},
        {"a.xml", "application/xml"},
        {"a.zst", "application/zstd"},
        {"a", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"a.html/b", "application/octet-stream"},
        {"a.b/c.html", "text/html; charset=utf-8"},
        {"a.unknown", "application/octet-stream"},
    };
    struct sunpath_files *files;

    ck_assert_int_eq(sunpath_files_open(&files, ".", NULL, NULL), 0);
    for (size_t i = 0; i < SP_ARRAY_SIZE(types); i++) {
        ck_assert_msg(strcmp(sunpath_files_type(files, types[i][0]), types[i][1]) == 0, "%s is %s",
                      types[i][0], sunpath_files_type(files, types[i][0]));
    }
    sunpath_files_close(files);
}
END_TEST

SP_TESTS("files-type", types_go_by_the_last_extension)
