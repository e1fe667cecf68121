/* SPDX-License-Identifier: MIT */
/* fuzz-http-date.c - any bytes as a date. The first eight are the time it is read at. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "wire/http-date.h"

/* As the C library writes it, and read again the same. */
static void check_written(int64_t seconds, int64_t now) {
    char text[SP_HTTP_DATE_SIZE], expected[64];
    int64_t written = seconds, again;
    time_t moment;
    struct tm tm;

    sp_assert(sp_http_write_date(text, seconds) == text + SP_HTTP_DATE_SIZE);
    if (!sp_http_is_date(seconds)) {
        written = seconds < 0 ? 0 : 253402300799;
    }
    moment = (time_t)written;
    sp_assert(gmtime_r(&moment, &tm));
    sp_assert(strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &tm) ==
              SP_HTTP_DATE_SIZE);
    sp_assert(memcmp(text, expected, SP_HTTP_DATE_SIZE) == 0);
    sp_assert(sp_http_read_date(&again, text, SP_HTTP_DATE_SIZE, now));
    sp_assert(again == written);
}

/* Two digits may mean a year up to fifty ahead. */
#define FIRST (-62135596800) /* 1 January 1 */
#define LAST  (253402300800 + INT64_C(50) * 366 * 86400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t now, seconds;
    char *text;

    if (size < sizeof(now)) {
        return 0;
    }
    memcpy(&now, data, sizeof(now));
    size -= sizeof(now);
    text = malloc(size ? size : 1);
    sp_assert(text);
    memcpy(text, data + sizeof(now), size);
    check_written(now, now);
    if (sp_http_read_date(&seconds, text, size, now)) {
        sp_assert(seconds >= FIRST && seconds <= LAST);
        check_written(seconds, now);
    }
    free(text);
    return 0;
}
