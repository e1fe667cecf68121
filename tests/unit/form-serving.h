/* SPDX-License-Identifier: MIT */
/* form-serving.h - requests with forms, and forms as text. */

#ifndef TESTS_FORM_SERVING_H
#define TESTS_FORM_SERVING_H

#include <sunpath/form.h>

#include "http-serving.h"

#define URLENCODED  "application/x-www-form-urlencoded"
#define MULTIPART   "multipart/form-data; boundary=b"
#define FIELD(name) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_NAMED(f) \
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" f "\"\r\n\r\n"

/* "name[filename]=value;" for each part; what is in a file is read from there. */
static inline void form_as_text(const struct sunpath_form *form, char *text, size_t n_text) {
    struct sunpath_form_part part;
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; sunpath_form_at(form, i, &part); i++) {
        char content[256] = "";

        if (part.fd >= 0) {
            ck_assert_ptr_null(part.data);
            ck_assert_int_eq(pread(part.fd, content, sizeof(content) - 1, 0), (ssize_t)part.size);
        } else {
            ck_assert_int_eq(part.data[part.size], '\0');
            snprintf(content, sizeof(content), "%s", part.data);
        }
        used += (size_t)snprintf(text + used, n_text - used, "%s%s%s%s=%s;", part.name,
                                 part.filename ? "[" : "", part.filename ? part.filename : "",
                                 part.filename ? "]" : "", content);
    }
}

static inline void say_form(int fd, const char *type, const char *body) {
    char text[8192];

    snprintf(text, sizeof(text),
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
             type, strlen(body), body);
    say(fd, text);
}

/* The form is answered with that status and this body. */
static inline void check_answer(const char *type, const char *body, int status,
                                const char *expected) {
    char line[32];
    const char *heard;
    int fd = client();

    say_form(fd, type, body);
    snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    shutdown(fd, SHUT_WR);
    heard = hear(fd, NULL);
    ck_assert_msg(strncmp(heard, line, strlen(line)) == 0, "%s", heard);
    ck_assert_ptr_nonnull(strstr(heard, "\r\n\r\n"));
    ck_assert_str_eq(strstr(heard, "\r\n\r\n") + 4, expected);
    close(fd);
}

#endif
