/* SPDX-License-Identifier: MIT */
/* http-form.h - a form as the source of a request's body. */

#ifndef SP_CLIENT_HTTP_FORM_H
#define SP_CLIENT_HTTP_FORM_H

#include <sunpath/http-form.h>

/* "multipart/form-data; boundary=..." */
const char *sp_http_form_type(const struct sunpath_http_form *form);

/* As read_body and rewind_body of a request, with the form as `user`. */
ssize_t sp_http_form_read(void *form, void *buffer, size_t n_buffer);
int sp_http_form_rewind(void *form);

#endif
