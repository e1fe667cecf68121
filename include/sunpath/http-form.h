/* SPDX-License-Identifier: MIT */
/* http-form.h - multipart/form-data to be sent (RFC 7578), as browsers and curl -F write it. */

#ifndef SUNPATH_HTTP_FORM_H
#define SUNPATH_HTTP_FORM_H

#include <sunpath/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A form is the body of one request at a time (`form` of its options), and must live until that is
 * over; then it may be sent again. Nothing of it is put together in memory: files and sources are
 * read as the server takes them. The request announces its Content-Length when all sizes are known.
 *
 * Names and file names are written as browsers do: UTF-8 as it is, a quote as %22, line ends as %0D
 * and %0A. Values are sent as they are.
 */
struct sunpath_http_form;

/* Exactly one of data, path and read says what is in it. */
struct sunpath_http_form_part {
    size_t size;
    const char *name;
    const char *filename; /* NULL: a field; of a `path`: its last component */
    const char *type;     /* NULL: application/octet-stream when there is a file name, else none */

    const void *data; /* copied */
    size_t n_data;

    const char *path; /* a regular file, opened at once and sent as long as it is now */

    /* As read_body and rewind_body of a request. */
    ssize_t (*read)(void *user, void *buffer, size_t n_buffer);
    int (*rewind)(void *user); /* NULL: the form can be sent only once */
    void *user;
    int64_t length; /* with `read`; 0: unknown */
};

/* -ENOMEM. */
SUNPATH_API int sunpath_http_form_new(struct sunpath_http_form **ret);
SUNPATH_API struct sunpath_http_form *sunpath_http_form_free(struct sunpath_http_form *form);

/*
 * Parts are sent in the order they are added. -EINVAL (no name, not exactly one content, a type
 * that may not stand in a header), the error of open(2) for a path, -EISDIR, -ESPIPE (not a regular
 * file: give a `read` instead), -ENOMEM.
 */
SUNPATH_API int sunpath_http_form_add(struct sunpath_http_form *form,
                                      const struct sunpath_http_form_part *part);
SUNPATH_API int sunpath_http_form_add_field(struct sunpath_http_form *form, const char *name,
                                            const char *value);
SUNPATH_API int sunpath_http_form_add_file(struct sunpath_http_form *form, const char *name,
                                           const char *path, const char *type);

/* Bytes of all of it, -1 when a part's length is unknown. */
SUNPATH_API int64_t sunpath_http_form_length(const struct sunpath_http_form *form);

#ifdef __cplusplus
}
#endif

#endif
