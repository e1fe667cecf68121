/* SPDX-License-Identifier: MIT */
/* http1-scan.h - classes of bytes in HTTP/1, and finding the first byte outside of one. */

#ifndef SP_WIRE_HTTP1_SCAN_H
#define SP_WIRE_HTTP1_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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

/* The tchars again, by low nibble: a bit for each high nibble. */
extern const uint8_t sp_http_token_rows[16];

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
 * The scans that every byte of a head passes through take 16 bytes at a time. They never load a
 * byte at or behind `end`. A sp_not_x() has the bits of the bytes that are, perhaps, outside of a
 * class; the zeros behind a piece shorter than 16 bytes are outside of all of them.
 */
#ifdef __SSE2__

/* The `n` bytes at `at`, fewer than 16, and zeros: loads that overlap, put over one another. */
static inline __m128i sp_load_short(const char *at, size_t n) {
    uint64_t low = 0, high = 0;
    uint32_t first, last;

    if (n >= 8) {
        memcpy(&low, at, 8);
        memcpy(&high, at + n - 8, 8);
        high = high >> 8 * (15 - n) >> 8;
    } else if (n >= 4) {
        memcpy(&first, at, 4);
        memcpy(&last, at + n - 4, 4);
        low = first | (uint64_t)last << 8 * (n - 4);
    } else if (n > 0) {
        low = (unsigned char)at[0] | (uint64_t)(unsigned char)at[n / 2] << 8 * (n / 2) |
              (uint64_t)(unsigned char)at[n - 1] << 8 * (n - 1);
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

static inline __m128i sp_load(const char *at, const char *end) {
    return end - at >= 16 ? _mm_loadu_si128((const __m128i *)(const void *)at)
                          : sp_load_short(at, (size_t)(end - at));
}

/* Which of `bytes` are from `first` to `last`: those that are no further from `first`, unsigned. */
static inline __m128i sp_in_range(__m128i bytes, char first, char last) {
    const __m128i distance = _mm_sub_epi8(bytes, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(distance, _mm_set1_epi8((char)(last - first))), distance);
}

/* Neither letter, digit, hyphen nor dot: a letter is between a and z with bit 5 set. */
static inline unsigned sp_not_plain(__m128i bytes) {
    const __m128i letter = sp_in_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digit = sp_in_range(bytes, '0', '9');
    const __m128i mark = sp_in_range(bytes, '-', '.');

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), mark)) ^ 0xffff;
}

static inline unsigned sp_not_value(__m128i bytes) {
    const __m128i control = sp_in_range(bytes, 0, 0x1f);
    const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del));
}

static inline unsigned sp_not_target(__m128i bytes) {
    const __m128i visible = sp_in_range(bytes, 0x21, 0x7e);
    const __m128i hash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));

    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(hash, visible)) ^ 0xffff;
}
#endif

/* For the classes that hold letters, digits, hyphen and dot; the rest is left to the table. */
static inline const char *sp_scan_names(const char *at, const char *end, int class) {
#ifdef __SSE2__
    for (;;) {
        const unsigned bad = sp_not_plain(sp_load(at, end));

        if (bad == 0) {
            at += 16;
            continue;
        }
        at += __builtin_ctz(bad);
        if (at == end || !sp_char_is(*at, class)) {
            return at;
        }
        at++;
    }
#else
    return sp_scan_class(at, end, class);
#endif
}

static inline const char *sp_scan_token(const char *at, const char *end) {
    return sp_scan_names(at, end, SP_CHAR_TOKEN);
}

static inline const char *sp_scan_host(const char *at, const char *end) {
    return sp_scan_names(at, end, SP_CHAR_HOST);
}

static inline const char *sp_scan_value(const char *at, const char *end) {
#ifdef __SSE2__
    unsigned bad;

    while ((bad = sp_not_value(sp_load(at, end))) == 0) {
        at += 16;
    }
    return at + __builtin_ctz(bad);
#else
    return sp_scan_class(at, end, SP_CHAR_VALUE);
#endif
}

/* Is all of it of a value's bytes? That needs no order: 8 to 16 bytes are two loads that overlap.
 */
static inline bool sp_is_all_value(const char *text, size_t size) {
#ifdef __SSE2__
    if (size >= 8 && size <= 16) {
        uint64_t first, last;

        memcpy(&first, text, 8);
        memcpy(&last, text + size - 8, 8);
        return sp_not_value(_mm_set_epi64x((long long)last, (long long)first)) == 0;
    }
#endif
    return sp_scan_value(text, text + size) == text + size;
}

static inline const char *sp_scan_target(const char *at, const char *end) {
#ifdef __SSE2__
    unsigned bad;

    while ((bad = sp_not_target(sp_load(at, end))) == 0) {
        at += 16;
    }
    return at + __builtin_ctz(bad);
#else
    return sp_scan_class(at, end, SP_CHAR_TARGET);
#endif
}

static inline bool sp_equals_lower_8(const char *text, const char *lower) {
    uint64_t a, b;

    memcpy(&a, text, 8);
    memcpy(&b, lower, 8);
    return (a | 0x2020202020202020) == b;
}

static inline bool sp_equals_lower_4(const char *text, const char *lower) {
    uint32_t a, b;

    memcpy(&a, text, 4);
    memcpy(&b, lower, 4);
    return (a | 0x20202020) == b;
}

/*
 * Does `text`, in any case, equal `lower`, which is lower case? Both are `size` long, 4 at least,
 * and `text` has no control bytes, so setting bit 5 makes equal just the two cases of a letter.
 * Eight bytes at a time, the last ones perhaps for the second time.
 */
static inline bool sp_equals_lower(const char *text, const char *lower, size_t size) {
    if (size < 8) {
        return sp_equals_lower_4(text, lower) &&
               sp_equals_lower_4(text + size - 4, lower + size - 4);
    }
    for (size_t at = 0; at + 8 < size; at += 8) {
        if (!sp_equals_lower_8(text + at, lower + at)) {
            return false;
        }
    }
    return sp_equals_lower_8(text + size - 8, lower + size - 8);
}

#endif
