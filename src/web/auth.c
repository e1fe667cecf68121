/* SPDX-License-Identifier: MIT */
/* auth.c - what a request says of who asks, and the challenges it is answered with. */

#include "web/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "serve/http-server.h"
#include "wire/base64.h"

/* ---- what is well-formed --------------------------------------------------------------------- */

bool sp_auth_is_printable(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

bool sp_auth_is_token(const char *text) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    size_t n = strspn(text, letters);

    return n > 0 && text[n + strspn(text + n, "=")] == '\0';
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What follows the scheme in the only Authorization header. -ENOENT, -EBADMSG. */
static int find(struct sunpath_http_exchange *exchange, const char *scheme, const char **ret) {
    const char *name, *value, *found = NULL;
    size_t n_scheme = strlen(scheme);

    for (size_t i = 0; sp_http_exchange_field_at(exchange, i, &name, &value); i++) {
        if (strcasecmp(name, "Authorization") != 0) {
            continue;
        }
        if (found) {
            return -EBADMSG;
        }
        found = value;
    }
    if (!found || strncasecmp(found, scheme, n_scheme) != 0) {
        return -ENOENT;
    }
    if (found[n_scheme] != ' ') {
        return found[n_scheme] ? -ENOENT : -EBADMSG;
    }
    *ret = found + n_scheme + strspn(found + n_scheme, " ");
    return 0;
}

int sunpath_auth_basic(struct sunpath_http_exchange *exchange, const char **ret_user,
                       const char **ret_password) {
    const char *text;
    char *plain, *colon;
    ssize_t n;
    int r;

    r = find(exchange, "Basic", &text);
    if (r < 0) {
        return r;
    }
    plain = sunpath_http_alloc(exchange, SP_BASE64_DECODED(strlen(text)) + 1);
    if (!plain) {
        return -ENOMEM;
    }
    n = sp_base64_decode(plain, text, strlen(text));
    if (n < 0) {
        return -EBADMSG;
    }
    plain[n] = '\0';
    colon = strchr(plain, ':');
    if (!colon || strlen(plain) != (size_t)n || !sp_auth_is_printable(plain)) {
        return -EBADMSG;
    }
    *colon = '\0';
    *ret_user = plain;
    *ret_password = colon + 1;
    return 0;
}

int sunpath_auth_bearer(struct sunpath_http_exchange *exchange, const char **ret_token) {
    const char *text;
    char *copy;
    int r;

    r = find(exchange, "Bearer", &text);
    if (r < 0) {
        return r;
    }
    if (!sp_auth_is_token(text)) {
        return -EBADMSG;
    }
    copy = sunpath_http_alloc(exchange, strlen(text) + 1);
    if (!copy) {
        return -ENOMEM;
    }
    *ret_token = strcpy(copy, text);
    return 0;
}

/* ---- challenges ------------------------------------------------------------------------------ */

/* `text` as a quoted-string (RFC 9110 5.6.4): a quote and a backslash get one before them. */
static char *put_quoted(char *at, const char *text) {
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            *at++ = '\\';
        }
        *at++ = *text;
    }
    *at++ = '"';
    *at = '\0';
    return at;
}

static int add_challenge(struct sunpath_http_exchange *exchange, const char *scheme,
                         const char *realm, const char *more) {
    _cleanup_(sp_freep) char *value = NULL;
    char *at;

    realm = realm ? realm : "restricted";
    value = malloc(strlen(scheme) + 2 * strlen(realm) + strlen(more) + sizeof(" realm=\"\""));
    if (!value) {
        return -ENOMEM;
    }
    at = value + sprintf(value, "%s realm=", scheme);
    at = put_quoted(at, realm);
    strcpy(at, more);
    return sunpath_http_add_header(exchange, "WWW-Authenticate", value);
}

int sp_auth_add_basic_challenge(struct sunpath_http_exchange *exchange, const char *realm) {
    return add_challenge(exchange, "Basic", realm, ", charset=\"UTF-8\"");
}

int sp_auth_add_bearer_challenge(struct sunpath_http_exchange *exchange, const char *realm,
                                 const char *error) {
    char more[64] = "";

    if (error) {
        snprintf(more, sizeof(more), ", error=\"%.40s\"", error);
    }
    return add_challenge(exchange, "Bearer", realm, more);
}

int sunpath_auth_challenge_basic(struct sunpath_http_exchange *exchange, const char *realm) {
    int r = sp_auth_add_basic_challenge(exchange, realm);

    return r < 0 ? r : sunpath_http_fail(exchange, 401, NULL);
}

int sunpath_auth_challenge_bearer(struct sunpath_http_exchange *exchange, const char *realm,
                                  const char *error) {
    int status = 401, r;

    if (error && strcmp(error, "invalid_request") == 0) {
        status = 400;
    } else if (error && strcmp(error, "insufficient_scope") == 0) {
        status = 403;
    } else if (error && strcmp(error, "invalid_token") != 0) {
        return -EINVAL;
    }
    r = sp_auth_add_bearer_challenge(exchange, realm, error);
    return r < 0 ? r : sunpath_http_fail(exchange, status, NULL);
}
