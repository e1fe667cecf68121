/* SPDX-License-Identifier: MIT */
/* signed-cookie.c - cookies that only a server who knows the secret can have set. */

#include <sunpath/signed-cookie.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#ifdef SP_HAVE_MD
#include <sha2.h>
#endif

#include "serve/http-server.h"
#include "wire/base64.h"
#include "wire/uri.h"

#define MARK      "s:" /* what Express puts in front of a signed value */
#define N_DIGEST  32
#define SIGNATURE (SP_BASE64_ENCODED(N_DIGEST) - 1) /* without its padding */

/* ---- HMAC-SHA256 (RFC 2104) ------------------------------------------------------------------ */

#ifdef SP_HAVE_MD

/* SHA-256 of a block, the key with every byte changed by `pad`, and of the data behind it. */
static void digest(uint8_t *ret, const uint8_t *key, uint8_t pad, const void *data, size_t size) {
    uint8_t block[SHA256_BLOCK_LENGTH];
    SHA2_CTX context;

    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = key[i] ^ pad;
    }
    SHA256Init(&context);
    SHA256Update(&context, block, sizeof(block));
    SHA256Update(&context, data, size);
    SHA256Final(ret, &context);
}

static int sign(char *ret, const char *value, size_t size, const char *secret) {
    uint8_t key[SHA256_BLOCK_LENGTH] = {0}, inner[N_DIGEST], outer[N_DIGEST];
    char encoded[SP_BASE64_ENCODED(N_DIGEST)];
    size_t n_secret = strlen(secret);
    SHA2_CTX context;

    if (n_secret > sizeof(key)) {
        SHA256Init(&context);
        SHA256Update(&context, (const uint8_t *)secret, n_secret);
        SHA256Final(key, &context);
    } else {
        memcpy(key, secret, n_secret);
    }
    digest(inner, key, 0x36, value, size);
    digest(outer, key, 0x5c, inner, sizeof(inner));
    explicit_bzero(key, sizeof(key));
    sp_base64_encode(encoded, outer, sizeof(outer));
    memcpy(ret, encoded, SIGNATURE);
    return 0;
}

#else

static int sign(char *ret, const char *value, size_t size, const char *secret) {
    (void)ret;
    (void)value;
    (void)size;
    (void)secret;
    return -EOPNOTSUPP;
}

#endif

static bool is_equal(const char *a, const char *b, size_t size) {
    unsigned char difference = 0;

    for (size_t i = 0; i < size; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

/* ---- setting --------------------------------------------------------------------------------- */

/* As JavaScript's encodeURIComponent(). */
static char *encode(char *at, const char *text, size_t size) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (memchr(plain, byte, sizeof(plain) - 1)) {
            *at++ = (char)byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    return at;
}

int sunpath_http_set_signed_cookie(struct sunpath_http_exchange *exchange, const char *name,
                                   const char *value, const char *secret,
                                   const struct sunpath_http_set_cookie_options *options) {
    char signature[SIGNATURE], *text, *at;
    size_t size;
    int r;

    if (!value || !secret || !*secret) {
        return -EINVAL;
    }
    size = strlen(value);
    r = sign(signature, value, size, secret);
    if (r < 0) {
        return r;
    }
    text =
        size > SIZE_MAX / 4 ? NULL : sp_arena_alloc(&exchange->arena, 3 * (size + SIGNATURE + 4));
    if (!text) {
        return -ENOMEM;
    }
    at = encode(text, MARK, strlen(MARK));
    at = encode(at, value, size);
    *at++ = '.';
    at = encode(at, signature, sizeof(signature));
    *at = '\0';
    return sunpath_http_set_cookie(exchange, name, text, options);
}

/* ---- reading --------------------------------------------------------------------------------- */

const char *sunpath_http_signed_cookie(struct sunpath_http_exchange *exchange, const char *name,
                                       const char *const *secrets) {
    const char *cookie = sunpath_http_cookie(exchange, name);
    size_t size = cookie ? strlen(cookie) : 0;
    char expected[SIGNATURE], *text, *dot;
    ssize_t n;

    text = size > 0 ? sp_arena_alloc(&exchange->arena, size + 1) : NULL;
    n = text ? sp_uri_decode(text, cookie, size, SP_URI_STRICT) : -1;
    if (n < (ssize_t)(strlen(MARK) + 1 + SIGNATURE) || strncmp(text, MARK, strlen(MARK)) != 0) {
        return NULL;
    }
    dot = text + n - SIGNATURE - 1;
    if (*dot != '.') {
        return NULL;
    }
    text += strlen(MARK);
    for (; secrets && *secrets; secrets++) {
        if (**secrets && sign(expected, text, (size_t)(dot - text), *secrets) == 0 &&
            is_equal(expected, dot + 1, SIGNATURE)) {
            *dot = '\0';
            return text;
        }
    }
    return NULL;
}
