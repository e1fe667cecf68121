/* SPDX-License-Identifier: MIT */
/* http1-scan.h - classes of bytes in HTTP/1, and finding the first byte outside of one. */

#ifndef SP_WIRE_HTTP1_SCAN_H
#define SP_WIRE_HTTP1_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    SP_CHAR_TOKEN = 1,  /* tchar, RFC 9110 5.6.2 */
    SP_CHAR_VALUE = 2,  /* field-vchar, SP and HTAB, RFC 9110 5.5; obs-text is among it */
    SP_CHAR_TARGET = 4, /* what a request target may hold: visible ASCII but "#" */
    SP_CHAR_HOST = 8,   /* reg-name without pct-encoded, RFC 3986 3.2.2 */
    SP_CHAR_HEX = 16,
    SP_CHAR_DIGIT = 32
};

extern const uint8_t sp_http_chars[256];

static inline bool sp_char_is(char byte, int class) {
    return sp_http_chars[(unsigned char)byte] & class;
}

/* The first byte of [at, end) outside of the class, or end. */
static inline const char *sp_scan_class(const char *at, const char *end, int class) {
    while (at < end && sp_char_is(*at, class)) {
        at++;
    }
    return at;
}

/*
 * The three that every byte of a head passes through take 16 bytes at a time. They never load a
 * byte at or behind `end`: what is shorter than 16 bytes goes by the table.
 */

static inline const char *sp_scan_token(const char *at, const char *end) {
#ifdef __SSE2__
    /*
     * A letter is a byte that, with bit 5 set, lies between a and z. Signed comparisons do, since
     * bytes from 0x80 are negative. The rarer token characters are left to the table.
     */
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        const __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                             _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('0' - 1)),
                                            _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
        const __m128i hyphen = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
        const __m128i good = _mm_or_si128(_mm_or_si128(letter, digit), hyphen);
        const unsigned bad = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;

        if (bad == 0) {
            at += 16;
            continue;
        }
        at += __builtin_ctz(bad);
        if (!sp_char_is(*at, SP_CHAR_TOKEN)) {
            return at;
        }
        at++;
    }
#endif
    return sp_scan_class(at, end, SP_CHAR_TOKEN);
}

static inline const char *sp_scan_value(const char *at, const char *end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i control =
            _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes); /* unsigned <= 0x1f */
        const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
        const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        const unsigned bad =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));

        if (bad) {
            return at + __builtin_ctz(bad);
        }
    }
#endif
    return sp_scan_class(at, end, SP_CHAR_VALUE);
}

static inline const char *sp_scan_target(const char *at, const char *end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x21)); /* and all from 0x80 */
        const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
        const __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
        const unsigned bad =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(del, hash)));

        if (bad) {
            return at + __builtin_ctz(bad);
        }
    }
#endif
    return sp_scan_class(at, end, SP_CHAR_TARGET);
}

/*
 * Does `text`, in any case, equal `lower`, which is lower case? Both are `size` long and `text` has
 * no control bytes, so setting bit 5 makes equal just the two cases of a letter.
 */
static inline bool sp_equals_lower(const char *text, const char *lower, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((text[i] | 0x20) != lower[i]) {
            return false;
        }
    }
    return true;
}

#endif
