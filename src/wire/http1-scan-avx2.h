/* SPDX-License-Identifier: MIT */
/* http1-scan-avx2.h - the scans of a field line many bytes at a time, for processors that can. */

#ifndef SP_WIRE_HTTP1_SCAN_AVX2_H
#define SP_WIRE_HTTP1_SCAN_AVX2_H

#include "wire/http1-scan.h"

#ifdef __x86_64__
#include <immintrin.h>

#define SP_HAVE_AVX2 1
#define SP_AVX2      __attribute__((target("avx2,bmi")))

static inline bool sp_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

/*
 * sp_http_token_rows[low nibble] has bit `high nibble` set when the two make a tchar. A shuffle
 * looks up 32 bytes at once, and finds nothing for those above 0x7f.
 */
static inline SP_AVX2 uint32_t sp_not_token_32(const char *at) {
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    const __m256i rows = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)sp_http_token_rows));
    const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(7));
    const __m256i found =
        _mm256_and_si256(_mm256_shuffle_epi8(rows, bytes), _mm256_shuffle_epi8(bits, high));

    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
}

/* Control characters, HTAB among them: what ends a value, or is seldom in it. */
static inline SP_AVX2 uint32_t sp_control_avx2(__m256i bytes) {
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    const __m256i del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));

    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, del));
}

static inline SP_AVX2 uint64_t sp_control_64(const char *at) {
    const __m256i *from = (const __m256i *)(const void *)at;

    return sp_control_avx2(_mm256_loadu_si256(from)) |
           (uint64_t)sp_control_avx2(_mm256_loadu_si256(from + 1)) << 32;
}

/* The first from `at` on, unless it is among the last bytes before `end`: NULL. */
static inline SP_AVX2 const char *sp_find_control(const char *at, const char *end) {
    for (; end - at > 64; at += 64) {
        uint64_t bits = sp_control_64(at);

        if (bits) {
            return at + __builtin_ctzll(bits);
        }
    }
    return NULL;
}
#endif

#endif
